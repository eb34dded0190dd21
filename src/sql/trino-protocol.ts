/**
 * The bodies of Trino's client protocol (https://trino.io/docs/current/develop/client-protocol.html), as far as we write and
 * read them. Our own particulars travel in response headers, which every other client ignores.
 */
import type { TypeSignature } from './trino-types.ts'

/** What we say we are: a number, since drivers parse it; the protocol is as that Trino speaks it. */
export const SERVER_VERSION = '476'

export interface WireColumn {
  name: string
  type: string
  typeSignature: TypeSignature
}

export interface WireError {
  message: string
  errorCode: number
  errorName: string
  errorType: 'USER_ERROR' | 'INTERNAL_ERROR' | 'INSUFFICIENT_RESOURCES' | 'EXTERNAL'
  errorLocation?: { lineNumber: number; columnNumber: number }
  failureInfo?: unknown
}

export interface WireWarning {
  warningCode: { code: number; name: string }
  message: string
}

export type QueryState = 'QUEUED' | 'RUNNING' | 'FINISHING' | 'FINISHED' | 'FAILED'

export interface WireResults {
  id: string
  infoUri: string
  partialCancelUri?: string
  nextUri?: string
  columns?: WireColumn[]
  data?: unknown[][]
  stats: { state: QueryState; [key: string]: unknown }
  error?: WireError
  warnings: WireWarning[]
  updateType?: string
}

/** JSON of `Freshness`, on every answer that knows it. */
export const FRESHNESS_HEADER = 'x-landfall-freshness'
/** JSON of a LandfallError's kind, code and hint, on an answer with an error. */
export const ERROR_HEADER = 'x-landfall-error'

/** A header's value must be ASCII; JSON can say everything else by escapes. */
export function headerJson(value: unknown): string {
  const escape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, escape)
}
