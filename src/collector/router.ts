import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance, HTTPMethods } from 'fastify'
import { LandfallError } from '../base/errors.ts'
import { parseRoutePattern, type RoutePattern } from '../model/route-pattern.ts'
import { refuse } from './answers.ts'
import { plainAnswer } from './http-server.ts'

/** What serves one method of one path. */
export type Serve = (
  request: IncomingMessage,
  response: ServerResponse,
  params: Record<string, string>,
) => void

/**
 * Declares what the collector serves, and answers everything else: 404; 405 with `Allow` where the path has other methods;
 * `OPTIONS` with `Allow`; `HEAD` of a `GET` with an empty 200 that runs no handler, because looking must not record anything.
 */
export class Router {
  readonly #app: FastifyInstance
  readonly #patterns: RoutePattern[] = []

  constructor(app: FastifyInstance) {
    this.#app = app
    app.setNotFoundHandler((request, reply) => this.#other(request.raw, reply.raw))
  }

  /** A route of the pipeline: `GET /join_guild/:name`. */
  route(key: string, serve: Serve): void {
    const pattern = parseRoutePattern(key)
    for (const segment of pattern.segments) {
      if ('literal' in segment && /[*():]/.test(segment.literal)) {
        throw new LandfallError(
          'fix-config',
          'collector/route',
          `route ${JSON.stringify(key)}: the path has a *, ( or ) in it`,
          {
            hint: 'Write it as %2A, %28 or %29',
          },
        )
      }
    }
    this.#add(pattern, serve)
  }

  /** A path of the collector itself. */
  own(method: string, path: string, serve: Serve): void {
    const segments = path
      .slice(1)
      .split('/')
      .map((literal) => ({ literal }))
    this.#add({ method, path, segments }, serve)
  }

  #add(pattern: RoutePattern, serve: Serve): void {
    this.#patterns.push(pattern)
    this.#app.route({
      method: pattern.method as HTTPMethods,
      url: pattern.path,
      handler: (request, reply) => serve(request.raw, reply.raw, request.params as Record<string, string>),
    })
  }

  #other(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url!.split('?', 1)[0]!
    const methods = new Set(
      this.#patterns.filter((pattern) => matches(pattern, path)).map(({ method }) => method),
    )
    if (methods.size === 0) {
      return plainAnswer(
        request,
        response,
        refuse('not-found', `not found: ${request.method} ${path.slice(0, 200)}`, 'Nothing was recorded'),
      )
    }
    if (methods.has('GET')) methods.add('HEAD')
    methods.add('OPTIONS')
    const allow = [...methods].join(', ')
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { Allow: allow })
      response.end()
    } else if (request.method === 'HEAD' && methods.has('HEAD')) {
      response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' })
      response.end()
    } else {
      const error = refuse(
        'method',
        `${request.method} is not a method of ${path.slice(0, 200)}`,
        `Use ${allow}`,
        { allow },
      )
      plainAnswer(request, response, error)
    }
  }
}

function matches({ segments }: RoutePattern, path: string): boolean {
  const parts = path === '/' ? [] : path.slice(1).split('/')
  if (parts.length !== segments.length) return false
  return segments.every((segment, i) =>
    'literal' in segment ? segment.literal === parts[i] : parts[i] !== '',
  )
}
