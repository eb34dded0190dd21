/** Every engine there is a recipe for. Each is loaded when it is asked for. */
import { LandfallError } from '../base/errors.ts'
import type { Engine } from './engine.ts'

const ENGINES = {
  hive: async () => (await import('./engines/hive.ts')).hive,
  hive3: async () => (await import('./engines/hive.ts')).hive3,
  'iceberg-rest': async () => (await import('./engines/iceberg-rest.ts')).icebergRest,
  hdfs: async () => (await import('./engines/hdfs.ts')).hdfs,
  kafka: async () => (await import('./engines/kafka.ts')).kafka,
  versitygw: async () => (await import('./engines/versitygw.ts')).versitygw,
  spark: async () => (await import('./engines/spark.ts')).spark,
  trino: async () => (await import('./engines/trino.ts')).trino,
} satisfies Record<string, () => Promise<Engine>>

export type EngineName = keyof typeof ENGINES

export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[]

export async function loadEngine(name: string): Promise<Engine> {
  const load = (ENGINES as Record<string, () => Promise<unknown>>)[name]
  if (load === undefined)
    throw new LandfallError('fix-config', 'config/usage', `there is no engine "${name}"`, {
      hint: `There are ${ENGINE_NAMES.join(', ')}`,
    })
  return (await load()) as Engine
}
