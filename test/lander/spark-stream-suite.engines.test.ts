import { landerSuite } from '../conformance/lander-suite.ts'
import { findSparkEngines, SparkWorld } from './spark-world.ts'

const engines = await findSparkEngines()

landerSuite('Spark in mode stream over Kafka and a REST catalog', {
  open: (pipeline) => {
    if ('missing' in engines) throw new Error(engines.missing)
    return SparkWorld.open(engines, { trigger: '200ms', ...(pipeline ? { pipeline } : {}) })
  },
  ...('missing' in engines ? { missing: engines.missing } : {}),
  timeoutMs: 300_000,
})
