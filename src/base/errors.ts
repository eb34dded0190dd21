/**
 * Errors that answer "what now?".
 *
 * Every error a user can see is a `LandfallError`: its `kind` says what the caller does next, its `code` names it
 * (room first: `log/overloaded`), its message says what was attempted, on what, what was expected and what was
 * found, and `hint` says what to do. `cause` keeps the error beneath. No stack trace is shown for one of these.
 */
export type ErrorKind =
  /** The same call may succeed later. */
  | 'retry'
  /** The caller sent something wrong. */
  | 'fix-request'
  /** The pipeline file, a flag or the environment is wrong. */
  | 'fix-config'
  /** Stored bytes are damaged or are not what we wrote. */
  | 'bad-data'
  /** The thing was closed or stopped. */
  | 'closed'
  /** Our own mistake. */
  | 'bug'

export interface ErrorOptionsEx {
  hint?: string
  cause?: unknown
  /** Machine-readable particulars, e.g. `{ offset: 12, field: 'cost' }`. Never a secret. */
  details?: Record<string, unknown>
}

export class LandfallError extends Error {
  readonly kind: ErrorKind
  readonly code: string
  readonly hint: string | undefined
  readonly details: Record<string, unknown>

  constructor(kind: ErrorKind, code: string, message: string, options: ErrorOptionsEx = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'LandfallError'
    this.kind = kind
    this.code = code
    this.hint = options.hint
    this.details = options.details ?? {}
  }
}

export function isLandfallError(error: unknown, code?: string): error is LandfallError {
  return error instanceof LandfallError && (code === undefined || error.code === code)
}

/** One line for a terminal: `landfall: log/locked: … (hint)`. */
export function formatError(error: unknown): string {
  if (!(error instanceof LandfallError)) return error instanceof Error ? error.message : String(error)
  return error.hint ? `${error.code}: ${error.message}. ${error.hint}` : `${error.code}: ${error.message}`
}

/** The `code` of a Node system error (`ENOENT`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
