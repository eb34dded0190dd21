/**
 * Whether the parts that are elsewhere answer: asked now and then, told by `/readyz` and `/metrics` under the rooms' names. A part
 * in the data directory is not asked.
 */
import { isLandfallError } from '../base/errors.ts'
import { isOwn, type Movable, OWN_CATALOG, type Places } from './places.ts'

/** An object that need not be there: asking for it shows that somebody answers. */
export const PROBE = 'plans/probe'

const EVERY_MS = 10_000
/** Who has not answered by then does not. */
const ANSWER_MAX_MS = 5000

/** A small question to each part; what it answers does not matter. */
export type Probes = Partial<Record<Movable, () => Promise<unknown>>>

export class Reach implements Disposable {
  readonly #probes: [Movable, () => Promise<unknown>][]
  readonly #away = new Map<Movable, string>()
  readonly #timer: NodeJS.Timeout | undefined

  constructor(places: Places, probes: Probes) {
    const all = Object.entries(probes) as [Movable, () => Promise<unknown>][]
    this.#probes = all.filter(([part]) => isElsewhere(places, part))
    if (this.#probes.length === 0) return
    this.#timer = setInterval(() => void this.#ask(), EVERY_MS)
    this.#timer.unref()
  }

  /** Why one of these parts cannot be used; undefined when all answer. */
  away(...parts: Movable[]): string | undefined {
    const found = parts.find((part) => this.#away.has(part))
    return found === undefined ? undefined : `the ${found} does not answer: ${this.#away.get(found)}`
  }

  /** Prometheus' text. */
  metrics(): string {
    return this.#probes
      .map(([part]) => {
        const name = `landfall_${part}_reachable`
        return `# HELP ${name} 1 when the ${part} answers\n# TYPE ${name} gauge\n${name} ${this.#away.has(part) ? 0 : 1}\n`
      })
      .join('')
  }

  async #ask(): Promise<void> {
    await Promise.all(
      this.#probes.map(async ([part, probe]) => {
        try {
          await inTime(probe())
          this.#away.delete(part)
        } catch (error) {
          this.#away.set(part, isLandfallError(error) ? error.message : String(error))
        }
      }),
    )
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}

/** The catalog in the tables' own files is away when the storage is. */
function isElsewhere(places: Places, part: Movable): boolean {
  return part === 'catalog' ? places.catalog !== OWN_CATALOG : !isOwn(places, part)
}

async function inTime(answer: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MAX_MS / 1000} s`)), ANSWER_MAX_MS)
  })
  try {
    await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
    answer.catch(() => {})
  }
}
