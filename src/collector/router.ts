import type { IncomingMessage, ServerResponse } from 'node:http'
import { LandfallError } from '../base/errors.ts'
import { parseRoutePattern, type RoutePattern } from '../model/route-pattern.ts'
import { refuse } from './answers.ts'
import { plainAnswer } from './http-server.ts'
import type { RefusedCounts } from './refused.ts'

/** What serves one method of one path. */
export type Serve = (
  request: IncomingMessage,
  response: ServerResponse,
  params: Record<string, string>,
) => void

/** One segment of the paths of one method. */
interface Node {
  /** By the decoded text. */
  literals: Map<string, Node>
  parameter: Node | undefined
  /** The pattern that ends here. */
  end: { serve: Serve; parameters: readonly string[] } | undefined
}

const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+[ \t]*(?:;|$)/
const QUESTION_MARK = 0x3f
const HASH = 0x23

/**
 * Declares what the collector serves, and answers everything else: 404; 405 with `Allow` where the path has other methods;
 * `OPTIONS` with `Allow`; `HEAD` of a `GET` with an empty 200 that runs no handler, because looking must not record anything.
 *
 * Segments are compared after decoding; a literal goes before a parameter.
 */
export class Router {
  readonly #patterns: RoutePattern[] = []
  readonly #methods = new Map<string, Node>()
  readonly #refused: RefusedCounts

  constructor(refused: RefusedCounts) {
    this.#refused = refused
  }

  /** A route of the pipeline: `GET /join_guild/:name`. */
  route(key: string, serve: Serve): void {
    this.#add(parseRoutePattern(key), serve)
  }

  /** A path of the collector itself. */
  own(method: string, path: string, serve: Serve): void {
    const segments = path
      .slice(1)
      .split('/')
      .map((literal) => ({ literal }))
    this.#add({ method, path, segments }, serve)
  }

  /** Answers the request, or has it answered. Never throws. */
  readonly serve = (request: IncomingMessage, response: ServerResponse): void => {
    const path = pathOf(request.url!)
    const segments = segmentsOf(path)
    if (segments === undefined) {
      const error = refuse('bad-url', 'the path has a wrong %-escape', 'Encode it as UTF-8 with %XX')
      return plainAnswer(request, response, error, this.#refused)
    }
    const root = this.#methods.get(request.method!)
    const values: string[] = []
    const end = root === undefined ? undefined : find(root, segments, 0, values)
    if (end === undefined) return this.#other(request, response, path, segments)
    const type = request.headers['content-type']
    if (type !== undefined && request.method !== 'GET' && !MEDIA_TYPE.test(type)) {
      const error = refuse('media-type', 'the Content-Type', 'Send one of the form type/subtype')
      return plainAnswer(request, response, error, this.#refused)
    }
    const params = Object.create(null) as Record<string, string>
    for (let i = 0; i < values.length; i++) params[end.parameters[i]!] = values[i]!
    end.serve(request, response, params)
  }

  #add(pattern: RoutePattern, serve: Serve): void {
    const { method, path, segments } = pattern
    this.#patterns.push(pattern)
    let node = this.#methods.get(method) ?? newNode()
    this.#methods.set(method, node)
    const parameters: string[] = []
    for (const segment of segments) {
      if ('parameter' in segment) {
        parameters.push(segment.parameter)
        node = node.parameter ??= newNode()
      } else {
        const literal = decoded(segment.literal)
        const next = node.literals.get(literal) ?? newNode()
        node.literals.set(literal, next)
        node = next
      }
    }
    if (node.end !== undefined) {
      throw new LandfallError(
        'fix-config',
        'collector/route',
        `route ${JSON.stringify(`${method} ${path}`)}: another route answers the same requests`,
        { hint: 'Keep one of them' },
      )
    }
    node.end = { serve, parameters }
  }

  #other(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    segments: readonly string[],
  ): void {
    const methods = new Set(
      this.#patterns.filter((pattern) => matches(pattern, segments)).map(({ method }) => method),
    )
    if (methods.size === 0) {
      return plainAnswer(
        request,
        response,
        refuse('not-found', `not found: ${request.method} ${path.slice(0, 200)}`, 'Nothing was recorded'),
        this.#refused,
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
      plainAnswer(request, response, error, this.#refused)
    }
  }
}

function newNode(): Node {
  return { literals: new Map(), parameter: undefined, end: undefined }
}

/** Where the path ends; on the way back from a dead end the literal gives way to the parameter. */
function find(node: Node, segments: readonly string[], at: number, values: string[]): Node['end'] {
  if (at === segments.length) return node.end
  const segment = segments[at]!
  const literal = node.literals.get(segment)
  if (literal !== undefined) {
    const end = find(literal, segments, at + 1, values)
    if (end !== undefined) return end
  }
  if (node.parameter === undefined || segment === '') return undefined
  values.push(segment)
  const end = find(node.parameter, segments, at + 1, values)
  if (end === undefined) values.pop()
  return end
}

/** The path of an address, also of one with a host in it, as a proxy's client sends it. */
function pathOf(url: string): string {
  const address = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?#]*\/?/i, '/')
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i)
    if (code === QUESTION_MARK || code === HASH) return address.slice(0, i)
  }
  return address
}

/** Decoded segments; undefined for a wrong %-escape. */
function segmentsOf(path: string): string[] | undefined {
  if (path === '/') return []
  const segments = path.slice(1).split('/')
  if (!path.includes('%')) return segments
  try {
    return segments.map(decodeURIComponent)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** A literal with a wrong escape is never met: requests with one are refused. */
function decoded(literal: string): string {
  return segmentsOf(`/${literal}`)?.[0] ?? literal
}

function matches(pattern: RoutePattern, parts: readonly string[]): boolean {
  if (parts.length !== pattern.segments.length) return false
  return pattern.segments.every((segment, i) =>
    'literal' in segment ? decoded(segment.literal) === parts[i] : parts[i] !== '',
  )
}
