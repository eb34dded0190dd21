/** Runs a pipeline's own routes without a door: what they track, as the door would have written it down. */
import { createHash } from 'node:crypto'
import { LandfallError } from '../base/errors.ts'
import { HeaderMerger } from '../collector/merge-headers.ts'
import type { Pipeline, RouteHandler, RouteRequest } from '../model/definition.ts'
import type { Session } from './session.ts'
import type { HistoryOptions } from './simulate.ts'

type Handler = RouteHandler<never, unknown, Record<string, unknown>, unknown>
type Request = RouteRequest<Record<string, string>, unknown>

export interface Handlers {
  /** JSON texts of the events that the session's step brings. */
  run(session: Session): Promise<string[]>
}

export function createHandlers({ definition, compiled }: Pipeline, options: HistoryOptions): Handlers {
  const merger = new HeaderMerger(compiled)
  const routes = (definition.routes ?? {}) as Record<string, Handler | { handler: Handler }>
  const states = new Map<string, unknown>()
  const timeField = JSON.stringify(options.timeField ?? 'timestamp')
  const prefix = idPrefix(compiled.plan.version, options)
  const sessionHeader = compiled.session !== null && compiled.headers.includes(compiled.session)
  let count = 0

  const finish = (text: string, time: number) =>
    `${text.slice(0, -1)},${timeField}:"${new Date(time).toISOString()}","event_id":"${prefix}${count++}"}`

  const headersOf = ({ person, id, filling: { body } }: Session): Record<string, string> => ({
    ...person.headers,
    ...(sessionHeader ? { [compiled.session!]: id } : {}),
    ...(body === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) }),
  })

  return {
    async run(session) {
      const { step, filling, time } = session
      const headers = lowerCase(headersOf(session))
      if ('event' in step.does) {
        return [finish(merger.encode(step.does.event.name, filling.values, headers), time)]
      }
      const request = requestOf(step.does.method, filling.path, filling.body, headers, filling.params)
      const events: string[] = []
      const key = definition.state?.key?.(request) ?? ''
      const context = {
        track(name: string, properties: object = {}) {
          const text = merger.encode(name, properties, headers)
          if (definition.state !== undefined) {
            const before = states.get(key) ?? definition.state.initial
            states.set(key, definition.state.reduce(before, JSON.parse(text)))
          }
          events.push(finish(text, time))
          return `${prefix}${count - 1}`
        },
        get state() {
          return states.get(key) ?? definition.state?.initial
        },
      }
      const route = routes[step.name]!
      try {
        await (typeof route === 'function' ? route : route.handler)(request, context as never)
      } catch (cause) {
        throw new LandfallError(
          'fix-config',
          'simulate/handler',
          `running the handler of ${step.name} for ${filling.path}: ${(cause as Error).message}`,
          { hint: 'History is made by the handlers themselves: they must work without a door', cause },
        )
      }
      return events
    },
  }
}

function requestOf(
  method: string,
  path: string,
  body: string | undefined,
  headers: Request['headers'],
  params: Record<string, string>,
): Request {
  return { method, path, params, query: {}, headers, body: body === undefined ? undefined : JSON.parse(body) }
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** The same history has the same ids, so that sending it again lands nothing twice; another history has others. */
function idPrefix(plan: string, options: HistoryOptions): string {
  const { players, seed, from, hints = {}, effects = [] } = options
  const what = JSON.stringify([plan, players, seed, from, hints, effects])
  return `sim-${createHash('sha256').update(what).digest('hex').slice(0, 12)}-`
}
