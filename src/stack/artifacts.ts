/**
 * Programs of the field from Maven, through its ordinary client: by coordinates, held to a sha256 that stands in the recipe. A file
 * that is damaged, foreign or half written is fetched again; it appears under its name only when it is whole.
 */
import { createHash } from 'node:crypto'
import {
  cpSync,
  createReadStream,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LandfallError } from '../base/errors.ts'
import { type EngineCache, provideMade, withCacheLock } from './cache.ts'
import { execute } from './execute.ts'

export interface Artifact {
  /** `group:artifact:version:type[:classifier]` */
  coordinates: string
  sha256: string
  /** Size, for the progress of a large one. */
  bytes?: number
}

const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'
const INSTALL_MAVEN = 'Install Maven (apt-get install maven, brew install maven)'

/** The file names that Maven gives: `trino-cli-476-executable.jar`. */
export function fileNameOf({ coordinates }: Artifact): string {
  const [, name, version, type, classifier] = coordinates.split(':')
  return `${name}-${version}${classifier ? `-${classifier}` : ''}.${type}`
}

export async function provideArtifact(
  cache: EngineCache,
  artifact: Artifact,
  fetch: typeof fetchArtifacts = fetchArtifacts,
): Promise<string> {
  const [path] = await provideArtifacts(cache, [artifact], fetch)
  return path!
}

/** The paths of artifacts, in order; those that are not here, or are not what they should be, are fetched in one go. */
export async function provideArtifacts(
  cache: EngineCache,
  artifacts: readonly Artifact[],
  fetch: typeof fetchArtifacts = fetchArtifacts,
): Promise<string[]> {
  const folder = join(cache.directory, 'artifacts')
  const pathOf = (artifact: Artifact) => join(folder, fileNameOf(artifact))
  const isHere = (artifact: Artifact) => isStamped(pathOf(artifact), artifact)
  const [first] = artifacts
  if (first !== undefined && !artifacts.every(isHere)) {
    mkdirSync(folder, { recursive: true })
    await withCacheLock(cache, fileNameOf(first), async () => {
      const lost: Artifact[] = []
      for (const artifact of artifacts)
        if (!isHere(artifact) && !(await checkAndStamp(pathOf(artifact), artifact))) lost.push(artifact)
      if (lost.length > 0) await fetchInto(cache, folder, lost, fetch)
    })
  }
  return artifacts.map(pathOf)
}

async function fetchInto(
  cache: EngineCache,
  folder: string,
  artifacts: readonly Artifact[],
  fetch: typeof fetchArtifacts,
): Promise<void> {
  const temporary = mkdtempSync(join(cache.directory, 'fetch-'))
  try {
    await fetch(artifacts, temporary, cache)
    for (const artifact of artifacts) {
      const name = fileNameOf(artifact)
      const found = await sha256Of(join(temporary, name))
      if (found !== artifact.sha256)
        throw new LandfallError(
          'bad-data',
          'stack/checksum',
          `${artifact.coordinates} is not what it should be: expected sha256 ${artifact.sha256}, found ${found}`,
          { hint: 'Ask again; if it stays, the repository that Maven is set to does not have the original' },
        )
      renameSync(join(temporary, name), join(folder, name))
      stamp(join(folder, name), artifact)
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** Jars from lines of `group:artifact:version sha256`. */
export function jarsOf(lines: readonly string[]): Artifact[] {
  return lines.map((line) => {
    const [coordinates, sha256] = line.split(' ') as [string, string]
    return { coordinates: `${coordinates}:jar`, sha256 }
  })
}

/** A folder with exactly these jars, for a class path `<folder>/*`. Names must differ. */
export async function provideJars(
  cache: EngineCache,
  name: string,
  artifacts: readonly Artifact[],
): Promise<string> {
  const paths = await provideArtifacts(cache, artifacts)
  const hash = createHash('sha256').update(artifacts.map(({ sha256 }) => sha256).join('\n'))
  const folder = join(cache.directory, 'jars', `${name}-${hash.digest('hex').slice(0, 12)}`)
  // An artifact that was fetched again is another file, so links are compared, not only counted.
  const stale = paths.filter((path, index) => !isSameFile(path, join(folder, fileNameOf(artifacts[index]!))))
  if (stale.length === 0) return folder
  return withCacheLock(cache, `jars-${name}`, async () => {
    mkdirSync(folder, { recursive: true })
    artifacts.forEach((artifact, index) => {
      const link = join(folder, fileNameOf(artifact))
      if (isSameFile(paths[index]!, link)) return
      rmSync(link, { force: true })
      linkSync(paths[index]!, link)
    })
    return folder
  })
}

function isSameFile(one: string, other: string): boolean {
  return existsSync(other) && statSync(one).ino === statSync(other).ino
}

/** The folder that `make` fills once from an artifact, for instance by unpacking it; `recipe` names the way of making it. */
export async function provideUnpacked(
  cache: EngineCache,
  artifact: Artifact,
  recipe: string,
  make: (path: string, directory: string) => Promise<void>,
): Promise<string> {
  const path = await provideArtifact(cache, artifact)
  const name = artifact.coordinates.split(':')[1]!
  return provideMade(cache, name, [artifact.sha256, recipe], (directory) => make(path, directory))
}

/** Lets Maven put artifacts into `directory`, each alone: nothing they depend on comes along. */
export async function fetchArtifacts(
  artifacts: readonly Artifact[],
  directory: string,
  cache: EngineCache,
): Promise<void> {
  // A repository of its own, so that fetches do not meet; Maven's plugins in it are links to those of the last time.
  const repository = join(directory, 'repository')
  const plugins = join(cache.directory, 'maven')
  if (existsSync(plugins)) cpSync(plugins, repository, { recursive: true })
  const pom = join(directory, 'pom.xml')
  writeFileSync(pom, pomOf(artifacts, directory))
  const folders = artifacts.map(({ coordinates }) => {
    const [group, name, version] = coordinates.split(':') as [string, string, string]
    return join(repository, ...group.split('.'), name, version)
  })
  const names = artifacts.map(fileNameOf)
  const what = `fetching ${names[0]}${names.length > 1 ? ` and ${names.length - 1} more` : ''}`
  const total = artifacts.reduce((sum, { bytes }) => sum + (bytes ?? Number.NaN), 0)
  const of = Number.isNaN(total) ? {} : { bytesTotal: total }
  const onTick = (elapsedMs: number) =>
    cache.report({ what, elapsedMs, bytes: folders.reduce((sum, folder) => sum + sizeOf(folder), 0), ...of })
  const flags = ['--batch-mode', '--quiet', '-f', pom, `-Dmaven.repo.local=${repository}`]
  const retries = '-Dmaven.wagon.http.retryHandler.count=3'
  await execute(what, 'mvn', [...flags, retries, `${PLUGIN}:copy`], {
    onTick,
    install: INSTALL_MAVEN,
    signal: cache.signal,
  })
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  if (!existsSync(plugins)) keepPlugins(repository, plugins)
}

function keepPlugins(repository: string, plugins: string): void {
  try {
    renameSync(repository, plugins)
  } catch {
    // Another fetch has just left its own.
  }
}

function sizeOf(folder: string): number {
  try {
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
  } catch {
    // Not there yet, or a file was renamed under our eyes.
    return 0
  }
}

function pomOf(artifacts: readonly Artifact[], directory: string): string {
  const items = artifacts.map(({ coordinates }) => {
    const [group, name, version, type, classifier] = coordinates.split(':')
    const parts = { groupId: group, artifactId: name, version, type, ...(classifier && { classifier }) }
    const tags = Object.entries(parts).map(([tag, value]) => `<${tag}>${value}</${tag}>`)
    return `<artifactItem>${tags.join('')}</artifactItem>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>landfall</groupId><artifactId>engines</artifactId><version>1</version><packaging>pom</packaging>
  <build><plugins><plugin>
    <groupId>${PLUGIN.split(':')[0]}</groupId><artifactId>${PLUGIN.split(':')[1]}</artifactId><version>${PLUGIN.split(':')[2]}</version>
    <configuration>
      <outputDirectory>${directory}</outputDirectory>
      <artifactItems>${items.join('\n')}</artifactItems>
    </configuration>
  </plugin></plugins></build>
</project>
`
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

async function checkAndStamp(path: string, artifact: Artifact): Promise<boolean> {
  if (!existsSync(path) || (await sha256Of(path)) !== artifact.sha256) return false
  stamp(path, artifact)
  return true
}

function stamp(path: string, artifact: Artifact): void {
  const { size, mtimeMs } = statSync(path)
  const content: Stamp = { sha256: artifact.sha256, size, modifiedMs: mtimeMs }
  writeFileSync(`${path}.ok`, JSON.stringify(content))
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}
