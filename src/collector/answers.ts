import { isLandfallError, LandfallError } from '../base/errors.ts'

/** What leaves for the client: status, headers, bytes of text. */
export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
  /** Code of the error that it tells. */
  refused?: string
}

/** HTTP's answer to each error a request can meet. What is not listed is our own mistake: 500. */
const STATUS: Record<string, number> = {
  'collector/not-found': 404,
  'collector/method': 405,
  'collector/bad-url': 400,
  'collector/url-too-long': 414,
  'collector/malformed-body': 400,
  'collector/invalid-body': 400,
  'collector/no-events': 400,
  'collector/bad-encoding': 400,
  'collector/encoding': 415,
  'collector/media-type': 415,
  'collector/too-large': 413,
  'collector/write-key': 401,
  'collector/origin': 403,
  'collector/rate': 429,
  'collector/idempotency-key': 400,
  'collector/idempotency-reuse': 422,
  'collector/answer-too-large': 500,
  'collector/handler': 500,
  'collector/overloaded': 503,
  'collector/state-moved': 503,
  'collector/closing': 503,
  'collector/aborted': 400,
  'log/overloaded': 503,
  'log/disk-full': 503,
  'log/closed': 503,
  'log/too-large': 413,
  'log/unknown-outcome': 503,
}

/**
 * The answer to an error. An error of the log that is not in the table still says something about now and not about the
 * request: it is a 503. Never a stack trace, and never the text of an error that is not ours.
 */
export function answerToError(
  error: unknown,
  form: 'text' | 'json',
  eventIds: readonly string[] = [],
): Answer {
  const known = isLandfallError(error) ? error : undefined
  const status = statusOf(known)
  const code = known?.code ?? 'collector/internal'
  const message = known?.message ?? 'the collector failed on this request'
  const headers: Record<string, string> = {}
  if (status === 503 || status === 429)
    headers['Retry-After'] = String(known?.details['retryAfterSeconds'] ?? 1)
  if (status === 405) headers['Allow'] = String(known?.details['allow'])
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer'
  if (status === 415) headers['Accept-Encoding'] = 'gzip'
  const ids = code === 'log/unknown-outcome' ? eventIds : []
  if (ids.length > 0) headers['Landfall-Event-Id'] = ids.slice(0, 32).join(', ')
  if (form === 'text') {
    headers['Content-Type'] = 'text/plain; charset=utf-8'
    const text = `${message}${known?.hint ? `. ${known.hint}` : ''}\n`
    return { status, headers, body: text, refused: code }
  }
  headers['Content-Type'] = 'application/json; charset=utf-8'
  const { position, line, column, field, limit } = known?.details ?? {}
  const body = {
    error: { code, message, hint: known?.hint, position, line, column, field, limit },
    ...(ids.length > 0 ? { event_ids: ids } : {}),
  }
  return { status, headers, body: `${JSON.stringify(body)}\n`, refused: code }
}

function statusOf(error: LandfallError | undefined): number {
  if (error === undefined) return 500
  const status = STATUS[error.code]
  if (status !== undefined) return status
  return error.code.startsWith('log/') || error.kind === 'retry' || error.kind === 'closed' ? 503 : 500
}

/** An error of the request: the client has to change something. */
export function refuse(
  code: string,
  message: string,
  hint: string,
  details: Record<string, unknown> = {},
): LandfallError {
  return new LandfallError('fix-request', `collector/${code}`, message, { hint, details })
}

/** An error of the moment: the same request may succeed later. */
export function later(code: string, message: string, retryAfterSeconds = 1): LandfallError {
  return new LandfallError('retry', `collector/${code}`, message, {
    hint: 'Send the same request again later',
    details: { retryAfterSeconds },
  })
}
