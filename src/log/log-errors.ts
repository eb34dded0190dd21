/** What append answers when it cannot take records; every driver says it in the same words. */
import { LandfallError } from '../base/errors.ts'

export function overloaded(queuedBytes: number, queuedBytesMax: number): LandfallError {
  return new LandfallError(
    'retry',
    'log/overloaded',
    `appending to the log: ${queuedBytes} bytes wait to become durable and at most ${queuedBytesMax} may`,
    { hint: 'Try again in a second', details: { retryAfterSeconds: 1, queuedBytes, queuedBytesMax } },
  )
}

export function tooLarge(bytes: number, bytesMax: number): LandfallError {
  return new LandfallError(
    'fix-request',
    'log/too-large',
    `appending ${bytes} bytes to the log in one call: at most ${bytesMax} fit into one frame`,
    { hint: 'Send fewer events in one request', details: { bytes, bytesMax } },
  )
}

export function closed(cause?: unknown): LandfallError {
  const because = cause instanceof Error ? `: ${cause.message}` : ''
  return new LandfallError('retry', 'log/closed', `appending to the log: it is closed${because}`, {
    hint: cause === undefined ? 'Open the log again' : 'Restart this process; it recovers what is durable',
    ...(cause === undefined ? {} : { cause }),
  })
}

export function diskFull(what: string, details: Record<string, unknown>, cause?: unknown): LandfallError {
  return new LandfallError('retry', 'log/disk-full', what, {
    hint: 'Free space on the disk of the log, or let the lander catch up so that what has landed is trimmed',
    details: { retryAfterSeconds: 5, ...details },
    ...(cause === undefined ? {} : { cause }),
  })
}
