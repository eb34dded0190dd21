/**
 * Answers as files: made whole first, so that an error is an error of the question and never a short file, then fetched once by a name
 * that nobody can guess. What nobody fetches goes after five minutes.
 */
import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LandfallError } from '../base/errors.ts'
import type { Session, SqlEngine } from '../sql/sql.ts'
import { csvOf } from './csv.ts'
import { notFound, SECURITY_HEADERS } from './http.ts'
import type { Download } from './messages.ts'

const KEPT_MS = 300_000
const KEPT_MAX = 8

export type DownloadFormat = 'csv' | 'parquet'
const CONTENT_TYPES = { csv: 'text/csv; charset=utf-8', parquet: 'application/vnd.apache.parquet' }

interface Kept {
  path: string
  format: DownloadFormat
  bytes: number
  timer: NodeJS.Timeout
}

export class Downloads implements AsyncDisposable {
  readonly #engine: SqlEngine
  readonly #kept = new Map<string, Kept>()
  #making = 0
  #directory: Promise<string> | undefined

  constructor(engine: SqlEngine) {
    this.#engine = engine
  }

  /** Runs the statement to its end. Throws what the engine throws, and `dashboard/downloads` when too many are there already. */
  async make(
    sql: string,
    format: DownloadFormat,
    session: Session,
    signal: AbortSignal,
  ): Promise<Omit<Download, 'path'> & { id: string }> {
    if (this.#kept.size + this.#making >= KEPT_MAX) throw tooMany()
    this.#making += 1
    try {
      const made = await (format === 'csv' ? this.#csv : this.#parquet).call(this, sql, session, signal)
      const { size: bytes } = await stat(made.path)
      const id = randomBytes(16).toString('hex')
      const timer = setTimeout(() => void this.#forget(id), KEPT_MS)
      timer.unref()
      this.#kept.set(id, { path: made.path, format, bytes, timer })
      return { id, rows: made.rows, bytes }
    } finally {
      this.#making -= 1
    }
  }

  async #parquet(
    sql: string,
    session: Session,
    signal: AbortSignal,
  ): Promise<{ path: string; rows: number }> {
    return (await this.#engine.query(sql, { session, signal, parquet: true })).file!
  }

  async #csv(sql: string, session: Session, signal: AbortSignal): Promise<{ path: string; rows: number }> {
    const { columns, pages } = await this.#engine.query(sql, { session, signal })
    this.#directory ??= mkdtemp(join(tmpdir(), 'landfall-csv-'))
    const path = join(await this.#directory, `${randomBytes(8).toString('hex')}.csv`)
    let rows = 0
    const counted = async function* () {
      for await (const page of pages) {
        rows += page.length
        yield page
      }
    }
    try {
      await pipeline(csvOf(columns, counted()), createWriteStream(path, { mode: 0o600 }), { signal })
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
    return { path, rows }
  }

  /** Sends a file and lets go of it. Throws `dashboard/not-found`. */
  async send(response: ServerResponse, id: string): Promise<void> {
    const kept = this.#kept.get(id)
    if (kept === undefined)
      throw notFound('this file was fetched before, or nobody came for it in five minutes')
    this.#kept.delete(id)
    clearTimeout(kept.timer)
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': CONTENT_TYPES[kept.format],
      'content-length': kept.bytes,
      'content-disposition': `attachment; filename="answer.${kept.format}"`,
      'cache-control': 'no-store',
    })
    try {
      await pipeline(createReadStream(kept.path), response)
    } catch {
      // The reader has left: nobody is there to be told.
    } finally {
      await rm(kept.path, { force: true })
    }
  }

  async #forget(id: string): Promise<void> {
    const kept = this.#kept.get(id)
    this.#kept.delete(id)
    if (kept !== undefined) await rm(kept.path, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [id, { timer }] of this.#kept) {
      clearTimeout(timer)
      await this.#forget(id)
    }
    const directory = await this.#directory
    if (directory !== undefined) await rm(directory, { recursive: true, force: true })
  }
}

function tooMany(): LandfallError {
  return new LandfallError('retry', 'dashboard/downloads', `${KEPT_MAX} files wait to be fetched already`, {
    hint: 'Fetch them, or wait five minutes',
  })
}
