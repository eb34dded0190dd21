/**
 * `<data>/bound.json`: which log, storage and catalog a data directory works with, written by the first stage that starts there
 * and never changed. What lies in the directory (the plan of an open batch, spool, state) means something for these alone, and a
 * lake that moves because a flag was forgotten would be an empty one: so another URL is refused. The file is made by an exclusive
 * creation, so of the stages that start at once one writes it and the others compare; a kill before that leaves nothing.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LandfallError } from '../base/errors.ts'
import { createFile, readIfPresent } from '../base/files.ts'
import { makeNamedDirectory } from '../base/named-directory.ts'
import { openSealed, sealJson } from '../base/sealed-json.ts'
import { isOwn, MOVABLE, type Movable, ownPlaces, type Places } from './places.ts'

/** null: in the data directory itself, wherever that is mounted. */
interface Bound extends Record<Movable, string | null> {
  namespace: string
}

const fileOf = (data: string) => join(data, 'bound.json')

/** Binds a data directory to these places, or throws `places/bound-elsewhere` when it is bound to others. */
export async function bind(places: Places): Promise<void> {
  const { data } = places
  const given = boundTo(places)
  const already = implied(places)
  await makeNamedDirectory(data, 'the data directory', '--data')
  if ((await read(data)) === undefined) {
    for (const part of MOVABLE) refuseOther(places, part, already[part], given[part])
    await createFile(fileOf(data), sealJson(`${JSON.stringify({ version: 1, ...given }, null, 2)}\n`))
  }
  const bound = (await read(data))!
  for (const part of MOVABLE) refuseOther(places, part, bound[part], given[part])
  if (bound.namespace !== given.namespace) throw otherNamespace(places, bound.namespace)
}

/** For who only looks and was told nothing else: what the data directory is bound to. `given`: parts that were named. */
export async function boundPlaces(places: Places, given: ReadonlySet<Movable>): Promise<Places> {
  const bound = await read(places.data)
  if (bound === undefined) return places
  const own = ownPlaces(places.data)
  const found = { ...places }
  for (const part of MOVABLE) if (!given.has(part)) found[part] = bound[part] ?? own[part]
  if (!given.has('catalog') && places.namespace === own.namespace) found.namespace = bound.namespace
  return found
}

function boundTo(places: Places): Bound {
  const of = (part: Movable) => (isOwn(places, part) ? null : places[part])
  return { log: of('log'), storage: of('storage'), catalog: of('catalog'), namespace: places.namespace }
}

/** A directory from before anything was written down holds what it holds. Undefined: not decided. */
function implied({ paths }: Places): Partial<Bound> {
  return {
    ...(existsSync(join(paths.log, 'log.json')) ? { log: null } : {}),
    ...(existsSync(join(paths.lake, 'default')) ? { storage: null, catalog: null } : {}),
  }
}

function refuseOther(
  { data }: Places,
  part: Movable,
  bound: string | null | undefined,
  given: string | null,
): void {
  if (bound === undefined || identity(bound) === identity(given)) return
  const name = (url: string | null) => url ?? 'the data directory itself'
  const remedy =
    bound === null ? `Leave --${part} (and the ${part}.url of the pipeline) out` : `Give --${part} '${bound}'`
  throw new LandfallError(
    'fix-config',
    'places/bound-elsewhere',
    `the data directory ${data} works with the ${part} in ${name(bound)}, and was started with ${name(given)}`,
    {
      hint: `${remedy}, or another directory with --data; when the ${part} was really moved there, delete ${fileOf(data)}`,
      details: { part },
    },
  )
}

function otherNamespace({ data, namespace }: Places, bound: string): LandfallError {
  return new LandfallError(
    'fix-config',
    'places/bound-elsewhere',
    `the data directory ${data} works with the namespace ${bound}, and was started with ${namespace}`,
    { hint: `Give --namespace ${bound}, or another directory with --data`, details: { part: 'namespace' } },
  )
}

/**
 * The same log, storage or catalog may be reached by another list of brokers or with other options: what follows the hosts
 * counts. The scheme and the hosts count for all but a log, whose identity is checked when it is read.
 */
function identity(url: string | null): string | null {
  if (url === null) return null
  const bare = url.replace(/[?#].*$/s, '').replace(/\/+$/, '')
  return bare.startsWith('kafka:') ? bare.replace(/^kafka:\/\/[^/]*/, 'kafka://') : bare
}

async function read(data: string): Promise<Bound | undefined> {
  const bytes = await readIfPresent(fileOf(data))
  if (bytes === undefined) return undefined
  try {
    const { log, storage, catalog, namespace } = openSealed(bytes) as unknown as Bound
    return { log, storage, catalog, namespace }
  } catch (error) {
    throw damaged(data, error)
  }
}

function damaged(data: string, error: unknown): LandfallError {
  return new LandfallError(
    'bad-data',
    'places/bound-damaged',
    `reading ${fileOf(data)}: ${(error as Error).message}`,
    {
      hint: 'Delete the file, and start once with the URLs of log, storage and catalog that the directory works with',
      cause: error,
    },
  )
}
