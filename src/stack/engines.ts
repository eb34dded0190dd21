/** Every engine there is a recipe for, and those that make a distributed pipeline together. Each is loaded when it is asked for. */
import { LandfallError, systemCode } from '../base/errors.ts'
import type { Engine } from './engine.ts'

/** In the order in which they start: each after those that it uses. */
const ENGINES = {
  kafka: async () => (await import('./engines/kafka.ts')).kafka,
  versitygw: async () => (await import('./engines/versitygw.ts')).versitygw,
  hdfs: async () => (await import('./engines/hdfs.ts')).hdfs,
  'iceberg-rest': async () => (await import('./engines/iceberg-rest.ts')).icebergRest,
  hive: async () => (await import('./engines/hive.ts')).hive,
  hive3: async () => (await import('./engines/hive.ts')).hive3,
  spark: async () => (await import('./engines/spark.ts')).spark,
  trino: async () => (await import('./engines/trino.ts')).trino,
  presto: async () => (await import('./engines/presto.ts')).presto,
} satisfies Record<string, () => Promise<Engine>>

export type EngineName = keyof typeof ENGINES

export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[]

/** What people also call them. */
const ALIASES: Record<string, string> = { s3: 'versitygw', rest: 'iceberg-rest', metastore: 'hive' }

/** `classic` is the stack that course books build in six containers; `lakehouse` is what replaces it today. */
export const COMBINATIONS: Record<string, readonly string[]> = {
  classic: ['kafka', 'hdfs', 'hive', 'spark', 'trino'],
  lakehouse: ['kafka', 'versitygw', 'iceberg-rest', 'trino'],
}

/** A download of 2 GB, and the older metastore that only it needs: started when named. */
const WHEN_NAMED: readonly string[] = ['hive3', 'presto']

export const ALL_NAMES = ENGINE_NAMES.filter((name) => !WHEN_NAMED.includes(name))

/** Names, other names and combinations → engines in the order of their start, each once. */
export function expandNames(names: readonly string[]): EngineName[] {
  const wanted = new Set(
    names.flatMap((name) => COMBINATIONS[name] ?? [ALIASES[name] ?? name]).map(checkName),
  )
  return ENGINE_NAMES.filter((name) => wanted.has(name))
}

function checkName(name: string): EngineName {
  if (Object.hasOwn(ENGINES, name)) return name as EngineName
  const combinations = Object.keys(COMBINATIONS).join(', ')
  throw new LandfallError('fix-config', 'config/usage', `there is no engine "${name}"`, {
    hint: `There are ${ENGINE_NAMES.join(', ')}; combinations: ${combinations}`,
  })
}

export async function loadEngine(name: string): Promise<Engine> {
  const load = ENGINES[checkName(name)]
  try {
    return await load()
  } catch (cause) {
    const [, library] = /Cannot find package '([^']+)'/.exec(String(cause)) ?? []
    if (systemCode(cause) !== 'ERR_MODULE_NOT_FOUND' || library === undefined) throw cause
    throw new LandfallError('fix-config', 'stack/missing', `${name} needs the package ${library}`, {
      hint: `npm install ${library}`,
      cause,
    })
  }
}
