/** How long to wait before attempt `attempt + 1`: doubled each time, half of it random so that clients spread out. */
export function backoffMs(
  attempt: number,
  minMs: number,
  maxMs: number,
  random: () => number = Math.random,
): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30))
  return full / 2 + (random() * full) / 2
}

/** A `Retry-After` beyond this is cut: a wrong clock somewhere must not silence a tracker for days. */
const RETRY_AFTER_MAX_MS = 10 * 60_000

/** `Retry-After` (RFC 9110 §10.2.3: seconds or a date) in milliseconds; 0 when absent or not understood. */
export function retryAfterMs(value: string | null, nowMs: number = Date.now()): number {
  if (value === null) return 0
  const text = value.trim()
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return ms > 0 ? Math.min(ms, RETRY_AFTER_MAX_MS) : 0
}
