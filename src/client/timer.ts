export interface Timer {
  /** Somebody waits: keeps the process alive from here on, and ends at once where that was allowed. */
  hurry(): void
  /** Ends now. */
  end(): void
  /** Never ends. */
  cancel(): void
}

/**
 * `setTimeout` that may end early. In Node it keeps the process alive unless told otherwise; browsers have no such thing.
 */
export function startTimer(
  ms: number,
  onEnd: () => void,
  options: { keepsAlive?: boolean; endsEarly?: boolean } = {},
): Timer {
  const timer = setTimeout(onEnd, ms) as { ref?(): void; unref?(): void }
  const cancel = () => clearTimeout(timer as ReturnType<typeof setTimeout>)
  const end = () => {
    cancel()
    onEnd()
  }
  if (options.keepsAlive === false) timer.unref?.()
  return {
    hurry() {
      if (options.endsEarly === true) end()
      else timer.ref?.()
    },
    end,
    cancel,
  }
}
