/** Answers of the REST catalog, and its errors in the specification's form: `{ error: { message, type, code } }`. */
import type { ServerResponse } from 'node:http'
import { isLandfallError } from '../../../base/errors.ts'

/** An answer; without a body it has none. */
export interface Answer {
  status: number
  /** JSON text. */
  body?: string
  headers?: Record<string, string>
}

/** An error of the specification, thrown to end a request. `type` is the name of Iceberg's exception. */
export class RestError extends Error {
  readonly status: number
  readonly type: string
  readonly headers: Record<string, string>

  constructor(status: number, type: string, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.type = type
    this.headers = headers
  }
}

export const noSuchNamespace = (name: string) =>
  new RestError(404, 'NoSuchNamespaceException', `Namespace does not exist: ${name}`)

export const noSuchTable = (namespace: string, name: string) =>
  new RestError(404, 'NoSuchTableException', `Table does not exist: ${namespace}.${name}`)

export const noSuchView = (namespace: string, name: string) =>
  new RestError(404, 'NoSuchViewException', `View does not exist: ${namespace}.${name}`)

export const badRequest = (message: string) => new RestError(400, 'BadRequestException', message)

/** 403, because it is neither a conflict nor an unknown outcome: a client must not try again, and nothing has happened. */
export function refusedWrite(what: string): RestError {
  return new RestError(
    403,
    'ForbiddenException',
    `${what} is refused: these tables are written by Landfall alone. Each of its commits carries the position in the log up to which ` +
      'a table holds every event exactly once, and a commit from outside would break that. Nothing was changed. ' +
      'Read them here; write to a catalog of your own',
  )
}

export function answerError(error: unknown): Answer {
  if (error instanceof RestError) return errorAnswer(error)
  if (!isLandfallError(error)) return errorAnswer(new RestError(500, 'InternalServerError', 'internal error'))
  if (error.kind === 'retry') {
    return errorAnswer(
      new RestError(503, 'ServiceUnavailableException', error.message, { 'retry-after': '1' }),
    )
  }
  return errorAnswer(new RestError(500, 'InternalServerError', `${error.code}: ${error.message}`))
}

function errorAnswer({ status, type, message, headers }: RestError): Answer {
  return { status, headers, body: JSON.stringify({ error: { message, type, code: status } }) }
}

export function json(value: unknown): Answer {
  return { status: 200, body: JSON.stringify(value) }
}

export function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  if (response.headersSent || response.destroyed) return
  if (body === undefined) response.writeHead(status, headers).end()
  else {
    const type = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    response.writeHead(status, { ...headers, ...type }).end(body)
  }
}
