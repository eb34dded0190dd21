/** A Java of the wanted versions, wherever this machine keeps its Javas. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { LandfallError } from '../base/errors.ts'

export interface JavaVersions {
  min: number
  max?: number
}

/** The `java` executable with the highest version in the range, or why there is none. */
export function findJava({
  min,
  max = Number.POSITIVE_INFINITY,
}: JavaVersions): string | { missing: string } {
  const found = new Map<string, number>()
  for (const home of javaHomes()) {
    const version = versionOf(home)
    if (version !== undefined) found.set(home, version)
  }
  const fit = [...found].filter(([, version]) => version >= min && version <= max)
  const best = fit.sort(([, a], [, b]) => b - a)[0]
  if (best !== undefined) return join(best[0], 'bin/java')
  const here = [...new Set(found.values())].join(', ') || 'none'
  const wanted = max === Number.POSITIVE_INFINITY ? `${min} or newer` : `${min} to ${max}`
  return { missing: `no Java ${wanted} (here: ${here}); set JAVA_HOME_${min} to one` }
}

/** The same, or one line for the user; `what` needs it: "Trino 476". */
export function provideJava(what: string, versions: JavaVersions): string {
  const java = findJava(versions)
  if (typeof java === 'string') return java
  throw new LandfallError('fix-config', 'stack/missing', `${what}: ${java.missing}`, {
    hint: `Install it (apt-get install openjdk-${versions.max === undefined ? 25 : 17}-jre-headless)`,
  })
}

/** Homes of Java, each once: what the environment names, the PATH, Debian's alternatives, and the usual directories. */
function javaHomes(): string[] {
  const named = Object.entries(process.env)
    .filter(([name, value]) => /^JAVA_HOME(_\d+)?(_\w+)?$/.test(name) && value)
    .map(([, value]) => join(value!, 'bin/java'))
  const path = (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, 'java'))
  const alternatives = spawnSync('update-alternatives', ['--list', 'java'], { encoding: 'utf8' })
  const listed = alternatives.status === 0 ? alternatives.stdout.trim().split('\n') : []
  const folders = [
    '/usr/lib/jvm',
    '/usr/java',
    '/opt/java',
    '/opt/jdk',
    join(homedir(), '.sdkman/candidates/java'),
  ]
  const usual = folders.flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name, 'bin/java')) : [],
  )
  const macs = '/Library/Java/JavaVirtualMachines'
  if (existsSync(macs))
    usual.push(...readdirSync(macs).map((name) => join(macs, name, 'Contents/Home/bin/java')))
  const present = [...named, ...path, ...listed, ...usual].filter((java) => existsSync(java))
  return [...new Set(present.map((java) => dirname(dirname(realpathSync(java)))))]
}

function versionOf(home: string): number | undefined {
  const release = join(home, 'release')
  const text = existsSync(release)
    ? readFileSync(release, 'utf8')
    : spawnSync(join(home, 'bin/java'), ['-version'], { encoding: 'utf8' }).stderr
  const [, first, second] = /(?:JAVA_VERSION="|version ")(\d+)(?:\.(\d+))?/.exec(text ?? '') ?? []
  if (first === undefined) return undefined
  return Number(first) === 1 ? Number(second) : Number(first)
}
