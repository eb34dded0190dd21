import { nearestName } from '../model/names.ts'
import type { Plan } from '../model/plan.ts'

/** Why an event is, or will be, a dead letter, or was refused; told once for each new combination. */
export interface Reason {
  event: string | null
  source: string
  reason: string
  field: string | null
  detail: string
  /** What to do about it. */
  remedy: string
}

const KNOWN_MAX = 1_000
const NAMES_MAX = 1_000

/** Tells each new reason once, and finds the nearest name to one that is not in the plan. Bounded. */
export class Reasons {
  readonly #tell: (reason: Reason) => void
  readonly #names: readonly string[]
  readonly #told = new Set<string>()
  readonly #nearest = new Map<string, string | undefined>()

  constructor(plan: Plan, tell: (reason: Reason) => void) {
    this.#names = Object.keys(plan.events)
    this.#tell = tell
  }

  tell(reason: Omit<Reason, 'remedy'>): void {
    const key = JSON.stringify([reason.source, reason.event, reason.reason, reason.field])
    if (this.#told.has(key) || this.#told.size >= KNOWN_MAX) return
    this.#told.add(key)
    this.#tell({ ...reason, remedy: this.#remedy(reason) })
  }

  /** The name of the plan that was probably meant. A flood of new names finds no answer instead of much work. */
  nearest(name: string): string | undefined {
    if (!this.#nearest.has(name) && this.#nearest.size < NAMES_MAX && name.length <= 256) {
      this.#nearest.set(name, nearestName(name, this.#names))
    }
    return this.#nearest.get(name)
  }

  #remedy({ reason, field, event }: Omit<Reason, 'remedy'>): string {
    if (reason === 'unknown_event_type') {
      const near = event === null ? undefined : this.nearest(event)
      return near === undefined
        ? 'Add the event to the plan, or correct its name'
        : `Did you mean ${JSON.stringify(near)}?`
    }
    if (reason === 'missing')
      return `Send ${field ?? 'it'} with every such event, or make it optional in the plan`
    return `Correct ${field ?? 'the event'} where it is sent, or change the plan`
  }
}
