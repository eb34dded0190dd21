/**
 * The naive model: what the log was given and what must have become of it, in plain JavaScript and without a thought for speed. It
 * knows the product's promises (docs/formats) and none of its code.
 */
import { fits, TABLES } from './pipelines.ts'

/** One record of the log, as a reader of its own sees it. */
export interface Stored {
  offset: number
  id: string
  receivedAt: number
  text: string
  planVersion: string
  key: string | null
  isOfRoute: boolean
}

export type Verdict = 'landed' | 'dead' | 'id_conflict' | 'duplicate'

const WINDOW_MICROS = 7 * 24 * 3_600_000_000

export class Model {
  /** Everything that was ever durable, also what retention has let go of since. */
  readonly history: Stored[] = []
  readonly verdicts: Verdict[] = []
  /** Id → its first records. */
  readonly #firsts = new Map<string, Stored[]>()
  readonly #members = new Map<string, number>()
  /** Every text that was sent; true: it may be in the log. */
  readonly #sent = new Map<string, boolean>()
  #acknowledged: { offset: number; text: string; id?: string }[] = []

  /** It is sent now; until it is answered it may or may not be there. */
  send(text: string): void {
    this.#sent.set(text, true)
  }

  /** It was refused, with the promise that nothing of it is there; `before`: an earlier attempt may be. */
  refuse(text: string, before: boolean): void {
    this.#sent.set(text, before)
  }

  mayBeThere(text: string): boolean {
    return this.#sent.get(text) === true
  }

  acknowledge(offset: number, text: string, id?: string): void {
    this.#acknowledged.push({ offset, text, ...(id === undefined ? {} : { id }) })
  }

  /** Something was answered that the log has not shown yet. */
  get isBeyondHistory(): boolean {
    return this.#acknowledged.some(({ offset }) => offset >= this.history.length)
  }

  /** The next records of the log. */
  add(record: Stored): void {
    if (record.offset !== this.history.length)
      throw new Error(`after ${this.history.length} the log has offset ${record.offset}`)
    this.history.push(record)
    this.verdicts.push(this.#judge(record))
    this.#checkSender(record)
  }

  /** All that was answered is there, where its receipt says; `unpublished`: readers may not see the newest of it yet. */
  checkAcknowledged(unpublished: boolean): void {
    const isToCome = ({ offset }: { offset: number }) => unpublished && offset >= this.history.length
    const toCome = this.#acknowledged.filter(isToCome)
    for (const { offset, text, id } of this.#acknowledged.filter((one) => !isToCome(one))) {
      const found = this.history[offset]
      if (found?.text !== text || (id !== undefined && found.id !== id))
        throw new Error(`acknowledged at ${offset}: ${id} ${text}; there is ${found?.id} ${found?.text}`)
    }
    this.#acknowledged = toCome
  }

  /** Raw events of a table when everything before `end` has landed, sorted. */
  rows(table: string, end: number): string[] {
    return this.#where(end, ({ text }, verdict) => {
      const type = (JSON.parse(text) as { event_type: string }).event_type
      return verdict === 'landed' && TABLES[table]!.includes(type)
    }).map(({ text }) => text)
  }

  /** `offset id raw_event`, sorted. */
  events(end: number): string[] {
    return this.#where(end, (_, verdict) => verdict === 'landed').map(
      ({ offset, id, text }) => `${offset} ${id} ${text}`,
    )
  }

  /** `offset conflict raw_event`, sorted. */
  dead(end: number): string[] {
    return this.#where(end, (_, verdict) => verdict === 'dead' || verdict === 'id_conflict').map(
      ({ offset, text }) => `${offset} ${this.verdicts[offset] === 'id_conflict'} ${text}`,
    )
  }

  counts(end: number): { records: number; landed: number; dead: number; duplicate: number } {
    const verdicts = this.verdicts.slice(0, end)
    const count = (...wanted: Verdict[]) => verdicts.filter((verdict) => wanted.includes(verdict)).length
    return {
      records: verdicts.length,
      landed: count('landed'),
      dead: count('dead', 'id_conflict'),
      duplicate: count('duplicate'),
    }
  }

  #where(end: number, wanted: (record: Stored, verdict: Verdict) => boolean): Stored[] {
    return this.history.slice(0, end).filter((record) => wanted(record, this.verdicts[record.offset]!))
  }

  #judge(record: Stored): Verdict {
    const firsts = this.#firsts.get(record.id) ?? []
    const first = firsts.findLast(({ receivedAt }) => receivedAt >= record.receivedAt - WINDOW_MICROS)
    if (first !== undefined) return isSame(first.text, record.text) ? 'duplicate' : 'id_conflict'
    this.#firsts.set(record.id, [...firsts, record])
    return fits(record.text, record.planVersion) ? 'landed' : 'dead'
  }

  /** Nothing is there that was never sent or was refused, and each handler saw the state of its guild as it was. */
  #checkSender({ offset, text, key, isOfRoute }: Stored): void {
    if (!isOfRoute) {
      if (this.#sent.get(text) !== true)
        throw new Error(`offset ${offset} was ${this.#sent.has(text) ? 'refused' : 'never sent'}: ${text}`)
      return
    }
    const { guild, member } = JSON.parse(text) as { guild: string; member: number }
    const before = this.#members.get(guild) ?? 0
    if (key !== guild || member !== before + 1)
      throw new Error(`offset ${offset}: member ${member} of ${guild} (key ${key}) after ${before}`)
    this.#members.set(guild, member)
  }
}

function isSame(one: string, other: string): boolean {
  const sorted = (text: string) =>
    JSON.stringify(Object.entries(JSON.parse(text) as object).sort(([a], [b]) => (a < b ? -1 : 1)))
  return sorted(one) === sorted(other)
}
