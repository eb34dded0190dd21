/** The statements that run, wait, or ended not long ago: `system.runtime.queries`. */
import { isLandfallError } from '../../../base/errors.ts'
import type { QueryInfo } from '../../names/contents.ts'
import type { Session } from '../../sql.ts'
import { toWireError } from '../../trino-errors.ts'

/** Ended ones that are kept, and characters of their text. */
const ENDED_MAX = 100
const TEXT_MAX = 10_000

export interface Listing {
  started(): void
  ended(error?: unknown): void
}

export class QueryList {
  readonly #queries = new Map<string, QueryInfo>()
  #next = 0

  list(): QueryInfo[] {
    return Array.from(this.#queries.values(), (query) =>
      query.state === 'QUEUED' ? { ...query, queuedMs: Date.now() - query.created } : query,
    )
  }

  /** `id`: what the client knows the statement by; without it one of our own. */
  add(id: string | undefined, sql: string, session: Session | undefined): Listing {
    const created = Date.now()
    const query: QueryInfo = {
      id: id ?? idOf(created, ++this.#next),
      state: 'QUEUED',
      user: session?.user ?? '',
      source: session?.source ?? null,
      sql: sql.slice(0, TEXT_MAX),
      queuedMs: 0,
      created,
      started: null,
      ended: null,
      errorType: null,
      errorName: null,
    }
    this.#queries.set(query.id, query)
    return {
      started() {
        query.started = Date.now()
        query.queuedMs = query.started - created
        query.state = 'RUNNING'
      },
      ended: (error) => {
        query.ended = Date.now()
        query.state = error === undefined ? 'FINISHED' : 'FAILED'
        if (error !== undefined) {
          const wire = toWireError(isLandfallError(error) ? error : undefined)
          query.errorType = wire.errorType
          query.errorName = wire.errorName
        }
        this.#forget()
      },
    }
  }

  #forget(): void {
    const ended = Array.from(this.#queries.values()).filter((query) => query.ended !== null)
    for (const { id } of ended.slice(0, Math.max(0, ended.length - ENDED_MAX))) this.#queries.delete(id)
  }
}

/** As Trino writes them: `20210730_184303_00001_local`. */
function idOf(ms: number, count: number): string {
  const [day = '', time = ''] = new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').split('T')
  return `${day}_${time}_${String(count).padStart(5, '0')}_local`
}
