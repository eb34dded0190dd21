import { validateHeaderName, validateHeaderValue } from 'node:http'
import { LandfallError } from '../base/errors.ts'
import type { RouteAnswer } from '../model/definition.ts'
import type { Answer } from './answers.ts'

const TEXT: Readonly<Record<string, string>> = { 'Content-Type': 'text/plain; charset=utf-8' }
const JSON_TYPE: Readonly<Record<string, string>> = { 'Content-Type': 'application/json; charset=utf-8' }
/** These say how the body is sent, which is for us to know. */
const OURS = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'landfall-receipt',
  'landfall-event-id',
])

/**
 * What a handler returned, ready to be sent. Text ends with a line end, added where there is none. Throws
 * `collector/handler` on what HTTP cannot carry, while nothing is appended yet.
 */
export function prepareAnswer(returned: RouteAnswer): Answer {
  if (typeof returned === 'string') return { status: 200, headers: TEXT, body: withLineEnd(returned) }
  if (returned === undefined || returned === null) return { status: 204, headers: {}, body: '' }
  if (typeof returned !== 'object' || (!('text' in returned) && !('json' in returned))) {
    throw wrong('expected a text, { text } or { json }', describe(returned))
  }
  const status = returned.status ?? 200
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw wrong('expected a status from 200 to 599', String(status))
  const type = 'text' in returned ? TEXT : JSON_TYPE
  const headers = returned.headers === undefined ? type : mergeHeaders(type, returned.headers)
  if (status === 204 || status === 304) return { status, headers, body: '' }
  const body = 'text' in returned ? withLineEnd(String(returned.text)) : JSON.stringify(returned.json)
  if (body === undefined) throw wrong('expected JSON data', describe(undefined))
  return { status, headers, body }
}

function withLineEnd(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}

function mergeHeaders(
  type: Readonly<Record<string, string>>,
  given: Record<string, string>,
): Record<string, string> {
  const headers: Record<string, string> = { ...type }
  for (const [name, value] of Object.entries(given)) {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch (cause) {
      throw wrong('expected headers that HTTP allows', JSON.stringify(name), cause)
    }
    if (OURS.has(name.toLowerCase()))
      throw wrong('expected no header that the collector sets itself', JSON.stringify(name))
    if (name.toLowerCase() === 'content-type') delete headers['Content-Type']
    headers[name] = value
  }
  return headers
}

function wrong(expected: string, found: string, cause?: unknown): LandfallError {
  return new LandfallError('bug', 'collector/handler', `the handler's answer: ${expected}, found ${found}`, {
    hint: 'Correct the route in the pipeline file',
    ...(cause === undefined ? {} : { cause }),
  })
}

function describe(value: unknown): string {
  return typeof value === 'object' ? 'an object with neither' : `a ${typeof value}`
}
