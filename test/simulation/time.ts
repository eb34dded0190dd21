import type { Clock } from '../../src/base/clock.ts'

/** What all clocks of a simulation show. It moves by being looked at, and by `jump`. */
export class SimTime {
  wallMicros = Date.UTC(2026, 10, 22, 12) * 1000
  monotonicMs = 1_000_000

  /** The wall clock is set forwards or backwards; time that passes (`passedMs`) moves both. */
  jump(wallMs: number, passedMs = 0): void {
    this.wallMicros += (wallMs + passedMs) * 1000
    this.monotonicMs += passedMs
  }

  /** Of one process: as the machine's clock (base/clock.ts), it does not go back where the wall clock was set back. */
  clock(): Clock {
    let last = 0
    return {
      nowMicros: () => {
        this.wallMicros += 37
        last = Math.max(last + 1, this.wallMicros)
        return last
      },
      monotonicMs: () => {
        this.monotonicMs += 0.01
        return this.monotonicMs
      },
    }
  }
}
