/**
 * Programs of the field from Maven, through its ordinary client: by coordinates, held to a sha256 that stands here. A file that
 * is damaged, foreign or half written is fetched again; it appears under its name only when it is whole.
 */
import { createHash } from 'node:crypto'
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { engineCache, execute, withCache } from './cache.ts'

interface Artifact {
  /** `group:artifact:version:type[:classifier]` */
  coordinates: string
  sha256: string
}

export const ARTIFACTS = {
  'trino-server': {
    coordinates: 'io.trino:trino-server:476:tar.gz',
    sha256: 'cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f',
  },
  'trino-cli': {
    coordinates: 'io.trino:trino-cli:476:jar:executable',
    sha256: 'fe4e9c7fb569cd67673afa1622945f6308e1e59bdb825419352b80887661757b',
  },
  'trino-jdbc': {
    coordinates: 'io.trino:trino-jdbc:476:jar',
    sha256: 'a3736d21609a5a317d2ce88b3835e312e9b6f41393c1d4b09f2ad6e7aeb3bb90',
  },
  'presto-cli': {
    coordinates: 'com.facebook.presto:presto-cli:0.287:jar:executable',
    sha256: 'ff91091dae44976266625476e5f4dc483273324433e36ef209154ce947e34c90',
  },
  'iceberg-spark-runtime': {
    coordinates: 'org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0:jar',
    sha256: '3123c3798af642dd537230923548e013ef41cc28b6626e5225808cf5670a0f82',
  },
} satisfies Record<string, Artifact>

export type ArtifactName = keyof typeof ARTIFACTS

/** The path of an artifact, fetched if need be, or why it cannot be had. */
export async function findArtifact(name: ArtifactName): Promise<string | { missing: string }> {
  const artifact = ARTIFACTS[name]
  const path = join(engineCache(), 'artifacts', fileName(artifact))
  if (isStamped(path, artifact)) return path
  try {
    return await withCache((cache) => provideArtifact(cache, artifact))
  } catch (error) {
    return {
      missing: `${artifact.coordinates} is not here: ${(error as Error).message} (it needs mvn and a Maven repository)`,
    }
  }
}

/** Under the cache's lock: the artifact's path, after a full check or a fetch. */
export async function provideArtifact(
  cache: string,
  artifact: Artifact,
  fetch: typeof fetchArtifact = fetchArtifact,
): Promise<string> {
  const path = join(cache, 'artifacts', fileName(artifact))
  if (isStamped(path, artifact)) return path
  if (existsSync(path) && (await sha256Of(path)) === artifact.sha256) return stamp(path, artifact)
  mkdirSync(join(cache, 'artifacts'), { recursive: true })
  const temporary = mkdtempSync(join(cache, 'fetch-'))
  try {
    const file = await fetch(artifact.coordinates, temporary, cache)
    const found = await sha256Of(file)
    if (found !== artifact.sha256) throw new Error(`expected sha256 ${artifact.sha256}, found ${found}`)
    renameSync(file, path)
    return stamp(path, artifact)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

async function fetchArtifact(coordinates: string, directory: string, cache: string): Promise<string> {
  const repository = join(cache, 'maven')
  await execute(`fetching ${coordinates}`, 'mvn', [
    '--batch-mode',
    '--quiet',
    `-Dmaven.repo.local=${repository}`,
    'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy',
    `-Dartifact=${coordinates}`,
    `-DoutputDirectory=${directory}`,
  ])
  const [group, name, version] = coordinates.split(':') as [string, string, string]
  // Maven's own copy would double the space.
  rmSync(join(repository, ...group.split('.'), name, version), { recursive: true, force: true })
  const [file] = readdirSync(directory)
  if (file === undefined) throw new Error('Maven left no file')
  return join(directory, file)
}

function fileName({ coordinates }: Artifact): string {
  const [, name, version, type, classifier] = coordinates.split(':')
  return `${name}-${version}${classifier ? `-${classifier}` : ''}.${type}`
}

interface Stamp {
  sha256: string
  size: number
  modifiedMs: number
}

/** True when the file has not changed since it was checked in full. */
function isStamped(path: string, artifact: Artifact): boolean {
  try {
    const last = JSON.parse(readFileSync(`${path}.ok`, 'utf8')) as Stamp
    const { size, mtimeMs } = statSync(path)
    return last.sha256 === artifact.sha256 && last.size === size && last.modifiedMs === mtimeMs
  } catch {
    return false
  }
}

function stamp(path: string, artifact: Artifact): string {
  const { size, mtimeMs } = statSync(path)
  const content: Stamp = { sha256: artifact.sha256, size, modifiedMs: mtimeMs }
  writeFileSync(`${path}.ok`, JSON.stringify(content))
  return path
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

/**
 * The folder that `make` fills once from an artifact, for instance by unpacking it. It is named by the artifact's hash and by
 * `recipe`, so that another version or another way of making it is another folder.
 */
export async function findUnpacked(
  name: ArtifactName,
  recipe: string,
  make: (artifact: string, directory: string) => Promise<void>,
): Promise<string | { missing: string }> {
  const artifact = await findArtifact(name)
  if (typeof artifact !== 'string') return artifact
  const hash = createHash('sha256').update(ARTIFACTS[name].sha256).update(recipe).digest('hex').slice(0, 12)
  const directory = join(engineCache(), 'unpacked', `${name}-${hash}`)
  if (existsSync(join(directory, 'ready'))) return directory
  try {
    await withCache(async () => {
      if (existsSync(join(directory, 'ready'))) return
      rmSync(directory, { recursive: true, force: true })
      mkdirSync(directory, { recursive: true })
      await make(artifact, directory)
      writeFileSync(join(directory, 'ready'), '')
    })
    return directory
  } catch (error) {
    return { missing: `${basename(artifact)} could not be unpacked: ${(error as Error).message}` }
  }
}
