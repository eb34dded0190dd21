/** Time comes from here, so that a simulation can bring its own. */
export interface Clock {
  /** Wall time in microseconds since 1970, UTC; later with each call within a process, so that it orders events. */
  nowMicros(): number
  /** Monotonic milliseconds, for durations. */
  monotonicMs(): number
}

/** The machine's clock. Microseconds come from the monotonic clock; a wall clock set back does not go back here. */
export function systemClock(): Clock {
  let last = 0
  return {
    nowMicros() {
      const now = Math.round((performance.timeOrigin + performance.now()) * 1000)
      // performance.now() drifts from a wall clock that is being set; follow it when it is ahead by a second.
      const wall = Date.now() * 1000
      const best = Math.abs(wall - now) > 1_000_000 ? wall : now
      last = best > last ? best : last + 1
      return last
    },
    monotonicMs: () => performance.now(),
  }
}
