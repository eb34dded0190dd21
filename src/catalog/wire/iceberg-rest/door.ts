/**
 * The door for Iceberg readers: the REST catalog (https://iceberg.apache.org/rest-catalog-spec) over any catalog, to read.
 *
 *   GET       /v1/config                                      what is served
 *   GET       /v1/namespaces, HEAD and GET …/default
 *   GET       /v1/namespaces/default/tables                   in pages when asked so
 *   HEAD, GET /v1/namespaces/default/tables/NAME              metadata, ?snapshots=refs, ETag
 *   POST      /v1/namespaces/default/tables/NAME/metrics      taken and dropped
 *   POST      /v1/oauth/tokens                                for engines that insist on logging in
 *
 * Whatever would write is 403 with the reason. Readers open the files by the URLs in the metadata, so they need the same disk
 * (or the same store); nothing that a snapshot names is unlinked before it was out of every snapshot for 15 minutes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from '../../../base/access.ts'
import { isLandfallError } from '../../../base/errors.ts'
import type { Catalog } from '../../catalog.ts'
import {
  type Answer,
  answerError,
  json,
  noSuchNamespace,
  noSuchTable,
  noSuchView,
  RestError,
  refusedWrite,
  send,
} from './answers.ts'
import { loadTableAnswer } from './load-table.ts'
import { loginAnswer } from './login.ts'
import { pageOf } from './pages.ts'
import { parseResource, type Resource, written } from './resource.ts'

export interface IcebergDoorParts {
  catalog: Catalog
  access: Access
  /** What stands before `/v1` in a path. */
  prefix: string
}

export type IcebergDoor = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** A catalog has one namespace. */
const NAMESPACE = 'default'
/** A body beyond this is not read: nothing that is asked for here is so large. */
const BODY_BYTES_MAX = 1024 * 1024

/**
 * What clients may call, in the specification's words. The usual writes are named too although they are refused: a client does not
 * send what is not named, and then nobody would see the reason.
 */
const ENDPOINTS = [
  'GET /v1/{prefix}/namespaces',
  'GET /v1/{prefix}/namespaces/{namespace}',
  'HEAD /v1/{prefix}/namespaces/{namespace}',
  'GET /v1/{prefix}/namespaces/{namespace}/tables',
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics',
  'POST /v1/{prefix}/namespaces',
  'DELETE /v1/{prefix}/namespaces/{namespace}',
  'POST /v1/{prefix}/namespaces/{namespace}/properties',
  'POST /v1/{prefix}/namespaces/{namespace}/tables',
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'POST /v1/{prefix}/tables/rename',
  'POST /v1/{prefix}/namespaces/{namespace}/register',
  'POST /v1/{prefix}/transactions/commit',
]

export function createIcebergDoor({ catalog, access, prefix }: IcebergDoorParts): IcebergDoor {
  return async (request, response) => {
    let answer: Answer
    try {
      answer = await answerRequest(request)
    } catch (error) {
      answer = answerError(error)
    }
    send(response, answer)
  }

  async function answerRequest(request: IncomingMessage): Promise<Answer> {
    const [path, search = ''] = request.url!.split('?', 2) as [string, string?]
    const resource = parseResource(path.slice(prefix.length))
    const body = await readBody(request)
    if (resource.kind === 'token' && request.method === 'POST') {
      return loginAnswer(access, new URLSearchParams(body), request.headers.authorization)
    }
    if (access.identify(request.headers.authorization) === undefined) throw notAuthorized()
    const reads = request.method === 'GET' || request.method === 'HEAD'
    if (!reads) return answerWrite(request.method ?? '', resource)
    return answerRead(resource, new URLSearchParams(search), request)
  }

  async function answerRead(
    resource: Resource,
    query: URLSearchParams,
    request: IncomingMessage,
  ): Promise<Answer> {
    switch (resource.kind) {
      case 'config':
        return json({ defaults: {}, overrides: {}, endpoints: ENDPOINTS })
      case 'namespaces':
        return listNamespaces(query)
      case 'namespace':
        requireNamespace(resource.namespace)
        return request.method === 'HEAD' ? { status: 204 } : json({ namespace: [NAMESPACE], properties: {} })
      case 'tables':
        requireNamespace(resource.namespace)
        return listed(await catalog.listTables(), query)
      case 'views':
        requireNamespace(resource.namespace)
        return listed([], query)
      case 'table':
        return loadTable(resource.namespace, resource.name, query, request)
      case 'view':
        throw noSuchView(resource.namespace, resource.name)
      default:
        throw new RestError(
          404,
          'NotFoundException',
          `nothing is at ${request.method} ${request.url!.split('?', 1)[0]}`,
        )
    }
  }

  async function loadTable(
    namespace: string,
    name: string,
    query: URLSearchParams,
    request: IncomingMessage,
  ): Promise<Answer> {
    if (namespace !== NAMESPACE) throw noSuchTable(namespace, name)
    const version = await catalog.loadTable(name).catch((error: unknown) => {
      if (isLandfallError(error, 'catalog/bad-name')) return undefined
      throw error
    })
    if (version === undefined) throw noSuchTable(namespace, name)
    if (request.method === 'HEAD') return { status: 204 }
    return loadTableAnswer(version, query.get('snapshots') ?? 'all', request.headers['if-none-match'])
  }
}

function listNamespaces(query: URLSearchParams): Answer {
  const parent = query.get('parent')
  if (parent) requireNamespace(written(parent))
  const { names, next } = pageOf(parent ? [] : [NAMESPACE], query)
  return json({ namespaces: names.map((name) => [name]), 'next-page-token': next })
}

function listed(all: readonly string[], query: URLSearchParams): Answer {
  const { names, next } = pageOf(all, query)
  return json({
    identifiers: names.map((name) => ({ namespace: [NAMESPACE], name })),
    'next-page-token': next,
  })
}

function requireNamespace(namespace: string): void {
  if (namespace !== NAMESPACE) throw noSuchNamespace(namespace)
}

function answerWrite(method: string, resource: Resource): Answer {
  if (resource.kind === 'action' && resource.action === 'tables/metrics' && method === 'POST')
    return { status: 204 }
  switch (resource.kind) {
    case 'table':
      throw refusedWrite(
        `${method === 'DELETE' ? 'dropping' : 'a commit to'} table ${resource.namespace}.${resource.name}`,
      )
    case 'view':
      throw refusedWrite(
        `${method === 'DELETE' ? 'dropping' : 'changing'} view ${resource.namespace}.${resource.name}`,
      )
    case 'tables':
    case 'views':
      throw refusedWrite(
        `creating a ${resource.kind === 'tables' ? 'table' : 'view'} in ${resource.namespace}`,
      )
    case 'namespaces':
      throw refusedWrite('creating a namespace')
    case 'namespace':
      throw refusedWrite(`${method === 'DELETE' ? 'dropping' : 'changing'} namespace ${resource.namespace}`)
    case 'action':
      throw refusedWrite(`${method} …/${resource.action}`)
    default:
      throw refusedWrite(`${method} ${resource.kind === 'other' ? resource.path : resource.kind}`)
  }
}

function notAuthorized(): RestError {
  return new RestError(
    401,
    'NotAuthorizedException',
    'a token is needed: Authorization: Bearer …, or as the secret of a credential',
    { 'www-authenticate': 'Bearer realm="Landfall", Basic realm="Landfall"' },
  )
}

/** Read to its end even where nobody needs it, so that the connection can go on. */
async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > BODY_BYTES_MAX) {
      const message = `a body has at most ${BODY_BYTES_MAX} bytes`
      throw new RestError(413, 'BadRequestException', message, { connection: 'close' })
    }
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
