/** `GET /join_guild/:name`: a method and a path of literal and `:named` segments. */
import { checkKeys, refuse } from './names.ts'

export interface RoutePattern {
  method: string
  /** `/join_guild/:name` */
  path: string
  segments: ({ literal: string } | { parameter: string })[]
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const PATTERN = /^([A-Z]+) (\/\S*)$/
const PARAMETER = /^:[A-Za-z_][A-Za-z0-9_]*$/
const LITERAL = /^[A-Za-z0-9._~!$&'()+,;=@%-]+$/

/** Paths of the collector itself. */
const OWN_PATHS = /^\/(?:v1|healthz|readyz|metrics)(?:\/|$)/

/** Parses a key of `routes`, or refuses it with its place. */
export function parseRoutePattern(key: string): RoutePattern {
  const place = `routes[${JSON.stringify(key)}]`
  const match = PATTERN.exec(key)
  if (!match)
    refuse('route-pattern', place, 'expected METHOD /path', 'Write it as in "GET /join_guild/:name"')
  const [, method = '', path = ''] = match
  if (!METHODS.includes(method)) {
    refuse('route-pattern', place, `no method ${method}`, `Use one of ${METHODS.join(', ')}, in capitals`)
  }
  if (OWN_PATHS.test(path)) {
    refuse(
      'reserved-route',
      place,
      `${path} belongs to Landfall`,
      'Choose a path outside /v1, /healthz, /readyz and /metrics',
    )
  }
  return { method, path, segments: parseSegments(place, path) }
}

function parseSegments(place: string, path: string): RoutePattern['segments'] {
  if (path === '/') return []
  const seen = new Set<string>()
  return path
    .slice(1)
    .split('/')
    .map((segment) => {
      if (LITERAL.test(segment)) return { literal: segment }
      if (!PARAMETER.test(segment)) {
        refuse(
          'route-pattern',
          place,
          segment === ''
            ? 'an empty segment'
            : `the segment ${JSON.stringify(segment)} is neither a word nor a :name`,
          'A parameter fills a whole segment, as in /purchase/:name; wildcards and queries are not part of a pattern',
        )
      }
      const parameter = segment.slice(1)
      if (seen.has(parameter))
        refuse('route-pattern', place, `:${parameter} stands twice`, 'Give each parameter its own name')
      seen.add(parameter)
      return { parameter }
    })
}

/** Checks `routes`: patterns, handlers, and no two that would answer the same request. */
export function checkRoutes(routes: Record<string, unknown>): void {
  const shapes = new Map<string, string>()
  for (const [key, route] of Object.entries(routes)) {
    const { method, segments } = parseRoutePattern(key)
    checkHandler(`routes[${JSON.stringify(key)}]`, method, route)
    const shape = `${method} ${segments.map((s) => ('literal' in s ? `/${s.literal}` : '/:')).join('')}`
    const other = shapes.get(shape)
    if (other !== undefined) {
      refuse(
        'duplicate-route',
        `routes[${JSON.stringify(key)}]`,
        `the same requests as ${JSON.stringify(other)}`,
        'Keep one of them',
      )
    }
    shapes.set(shape, key)
  }
}

function checkHandler(place: string, method: string, route: unknown): void {
  if (typeof route === 'function') return
  const hint = 'Write (request, { track }) => …, or { body: Type.Object({ … }), handler: … }'
  if (typeof route !== 'object' || route === null) refuse('value', place, 'expected a function', hint)
  checkKeys(place, route, ['body', 'handler'])
  const { body, handler } = route as { body?: unknown; handler?: unknown }
  if (typeof handler !== 'function') refuse('value', `${place}.handler`, 'expected a function', hint)
  if (typeof body !== 'object' || body === null)
    refuse('value', `${place}.body`, 'expected the schema of a JSON body', hint)
  if (method === 'GET')
    refuse(
      'value',
      `${place}.body`,
      'a GET request has no body',
      'Use POST, or take parameters from the path',
    )
}
