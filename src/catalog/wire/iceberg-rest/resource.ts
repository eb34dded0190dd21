/**
 * What a path of the REST catalog names. A prefix before it is taken and means nothing: there is one warehouse.
 *
 *   /v1/config  /v1/oauth/tokens
 *   /v1/[PREFIX/]namespaces[/NAMESPACE[/tables|views[/NAME[/ACTION]]]]
 *   /v1/[PREFIX/]tables/rename  /v1/[PREFIX/]transactions/commit  …
 */
import { badRequest } from './answers.ts'

export type Resource =
  | { kind: 'config' }
  | { kind: 'token' }
  | { kind: 'namespaces' }
  | { kind: 'namespace'; namespace: string }
  | { kind: 'tables' | 'views'; namespace: string }
  | { kind: 'table' | 'view'; namespace: string; name: string }
  | { kind: 'action'; namespace: string; name: string; action: string }
  /** Anything else below the version. */
  | { kind: 'other'; path: string }

const HEADS = new Set(['config', 'oauth', 'namespaces', 'tables', 'views', 'transactions'])
/** What stands between the levels of a namespace in a path. */
const LEVEL_SEPARATOR = '\u001f'

/** `path` is without what stands before `/v1` and without the query. */
export function parseResource(path: string): Resource {
  const [, version, ...rest] = path.split('/')
  const other: Resource = { kind: 'other', path }
  if (version !== 'v1') return other
  const segments = rest.map(decode)
  const [head, ...names] = HEADS.has(segments[0]!) ? segments : segments.slice(1)
  if (head === 'config' && names.length === 0) return { kind: 'config' }
  if (head === 'oauth' && names[0] === 'tokens') return { kind: 'token' }
  return head === 'namespaces' && !names.includes('') ? below(names, other) : other
}

function below([namespace, list, name, action, ...more]: string[], other: Resource): Resource {
  if (namespace === undefined) return { kind: 'namespaces' }
  if (list === undefined) return { kind: 'namespace', namespace: written(namespace) }
  const found = { namespace: written(namespace) }
  if ((list !== 'tables' && list !== 'views') || more.length > 0) return other
  if (name === undefined) return { kind: list, ...found }
  if (action === undefined) return { kind: list === 'tables' ? 'table' : 'view', ...found, name }
  return { kind: 'action', ...found, name, action: `${list}/${action}` }
}

/** A namespace as people write it: levels with dots between them. */
export function written(namespace: string): string {
  return namespace.replaceAll(LEVEL_SEPARATOR, '.')
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw badRequest(`the path has a wrong %-escape: ${segment.slice(0, 100)}`)
  }
}
