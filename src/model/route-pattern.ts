/** `GET /join_guild/:name`: a method and a path of literal and `:named` segments. */
import { refuse } from './names.ts'

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

/** Refuses two routes that would answer the same request. */
export function checkRoutes(keys: readonly string[]): void {
  const shapes = new Map<string, string>()
  for (const key of keys) {
    const { method, segments } = parseRoutePattern(key)
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
