import { afterAll } from 'vitest'
import { landerSuite } from '../conformance/lander-suite.ts'
import { startSparkConnect } from '../engines/spark-connect.ts'
import { findSparkEngines, SparkWorld } from './spark-world.ts'

const engines = await findSparkEngines()
// Its own: a server keeps the queries that ended here for an hour, which those who come later would pay for.
const server = await startSparkConnect()
const missing = [engines, server].find((found) => 'missing' in found) as { missing: string } | undefined
afterAll(async () => {
  if (!('missing' in server)) await server[Symbol.asyncDispose]()
})

landerSuite('Spark in mode stream over Kafka and a REST catalog', {
  open: (pipeline) => {
    if ('missing' in engines || 'missing' in server) throw new Error(missing!.missing)
    const places = { ...engines, spark: server.state }
    return SparkWorld.open(places, { trigger: '200ms', ...(pipeline ? { pipeline } : {}) })
  },
  ...missing,
  timeoutMs: 300_000,
})
