/** A folder of jars by coordinates: fetched in one go by Maven, each held to its sha256, complete or not there at all. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { engineCache, execute, withCache } from './cache.ts'

/** `lines`: `group:artifact:version sha256`. Nothing else is resolved. */
export async function findJars(
  name: string,
  lines: readonly string[],
): Promise<string | { missing: string }> {
  const hash = createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 12)
  const folder = join(engineCache(), 'unpacked', `${name}-${hash}`)
  if (existsSync(join(folder, 'ready'))) return folder
  try {
    return await withCache((cache) => provideJars(cache, name, lines, folder))
  } catch (error) {
    return { missing: `${name}: ${(error as Error).message} (it needs mvn and a Maven repository)` }
  }
}

async function provideJars(cache: string, name: string, lines: readonly string[], folder: string) {
  if (existsSync(join(folder, 'ready'))) return folder
  const temporary = mkdtempSync(join(cache, 'fetch-'))
  try {
    writeFileSync(join(temporary, 'pom.xml'), pomOf(lines))
    await execute(`fetching ${name}`, 'mvn', [
      '--batch-mode',
      '--quiet',
      `-Dmaven.repo.local=${join(cache, 'maven')}`,
      '-f',
      join(temporary, 'pom.xml'),
      'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
      `-DoutputDirectory=${join(temporary, 'jars')}`,
    ])
    for (const line of lines) checkJar(join(temporary, 'jars'), line)
    writeFileSync(join(temporary, 'jars/ready'), '')
    mkdirSync(join(cache, 'unpacked'), { recursive: true })
    rmSync(folder, { recursive: true, force: true })
    renameSync(join(temporary, 'jars'), folder)
    return folder
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

function checkJar(folder: string, line: string): void {
  const [coordinates, expected] = line.split(' ') as [string, string]
  const [, artifact, version] = coordinates.split(':')
  const found = createHash('sha256')
    .update(readFileSync(join(folder, `${artifact}-${version}.jar`)))
    .digest('hex')
  if (found !== expected) throw new Error(`${coordinates}: expected sha256 ${expected}, found ${found}`)
}

function pomOf(lines: readonly string[]): string {
  const dependencies = lines.map((line) => {
    const [group, artifact, version] = line.split(' ')[0]!.split(':')
    const none =
      '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${none}</dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>engines</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging><dependencies>${dependencies.join('\n')}</dependencies></project>`
}
