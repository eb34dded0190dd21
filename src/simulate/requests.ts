/**
 * Requests without a story, as simple generators make them: a user by chance calls a route by chance, again and again (users × endpoints ×
 * requests). Players with habits are in simulate.ts. And rounds: requests in an order that somebody wrote down.
 */
import { LandfallError } from '../base/errors.ts'
import type { Pipeline } from '../model/definition.ts'
import type { RoundStepInput, RouteInput, SimulateInput } from '../model/simulate-input.ts'
import { hostOf } from './person.ts'
import { createRandom, type Random } from './random.ts'
import { valueOf, wordOf } from './values.ts'

export interface SimulatedRequest {
  method: string
  path: string
  headers: Record<string, string>
  body: string | undefined
  /** The status that the answer must have; any 2xx when absent. */
  expected?: number
  /** Events within, where the request is a batch of them. */
  events?: number
  /** What is wrong with it, where something is on purpose (bad.ts). */
  bad?: string
}

interface Endpoint {
  weight: number
  method: string
  /** Pieces of the path; a parameter is `{ name, values }`. */
  path: (string | { name: string; values: readonly string[] | undefined })[]
  bodies: readonly unknown[] | undefined
  schema: object | undefined
}

/** The requests without end: the i-th is the same for the same pipeline, hints, seed and number of users. */
export function* simulateRequests(
  pipeline: Pipeline,
  hints: SimulateInput,
  users: number,
  seed: number,
): Generator<SimulatedRequest> {
  const endpoints = endpointsOf(pipeline, hints)
  const random = createRandom(seed)
  for (;;) {
    const host = hostOf(1 + random.below(users), hints.domains)
    yield requestOf(random.pickWeighted(endpoints), host, random)
  }
}

/** One round of a load, each step as often as it says. */
export function roundRequests(round: readonly RoundStepInput[]): SimulatedRequest[] {
  return round.flatMap(({ count = 1, host, method = 'GET', path, body }) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return Array.from({ length: count }, () => ({ method, path, headers: headersOf(host, text), body: text }))
  })
}

function headersOf(host: string, body: string | undefined): Record<string, string> {
  const headers: Record<string, string> = { Host: host, Accept: '*/*', 'User-Agent': 'landfall-simulate' }
  if (body === undefined) return headers
  return { ...headers, 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) }
}

function requestOf(endpoint: Endpoint, host: string, random: Random): SimulatedRequest {
  const path = endpoint.path
    .map((piece) => (typeof piece === 'string' ? piece : encodeURIComponent(parameterOf(piece, random))))
    .join('/')
  const body = bodyOf(endpoint, random)
  return { method: endpoint.method, path, headers: headersOf(host, body), body }
}

function parameterOf(
  { name, values }: { name: string; values: readonly string[] | undefined },
  random: Random,
): string {
  return values ? random.pick(values) : wordOf(random, name)
}

function bodyOf({ bodies, schema }: Endpoint, random: Random): string | undefined {
  if (bodies) return JSON.stringify(random.pick(bodies))
  return schema ? JSON.stringify(valueOf(schema, random)) : undefined
}

function endpointsOf(pipeline: Pipeline, hints: SimulateInput): Endpoint[] {
  const routes = (pipeline.definition.routes ?? {}) as Record<string, object>
  const unknown = Object.keys(hints.routes ?? {}).find((route) => !(route in routes))
  if (unknown !== undefined) {
    throw new LandfallError(
      'fix-config',
      'simulate/unknown-route',
      `simulate.routes names "${unknown}", which is no route`,
      {
        hint: `The routes are ${Object.keys(routes).join(', ')}`,
      },
    )
  }
  const endpoints = Object.entries(routes).map(([route, handler]) =>
    endpointOf(route, handler, hints.routes?.[route] ?? {}),
  )
  const used = endpoints.filter(({ weight }) => weight > 0)
  if (used.length > 0) return used
  throw new LandfallError(
    'fix-config',
    'simulate/no-routes',
    `the pipeline ${pipeline.compiled.name} has no routes to call`,
    {
      hint: 'Declare routes, or send events to POST /v1/events',
    },
  )
}

function endpointOf(route: string, handler: object, hint: RouteInput): Endpoint {
  const [method = 'GET', pattern = '/'] = route.split(/\s+/, 2)
  const path = pattern.split('/').map((piece) => {
    if (!piece.startsWith(':')) return piece
    const values = hint.params?.[piece.slice(1)]
    const list = values === undefined || Array.isArray(values) ? values : Object.keys(values)
    return { name: piece.slice(1), values: list as readonly string[] | undefined }
  })
  const schema = 'body' in handler ? (handler.body as object) : undefined
  return { weight: hint.weight ?? 1, method, path, bodies: hint.bodies, schema }
}
