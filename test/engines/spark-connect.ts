/** A real Spark Connect server 4.1 for tests: one per test run that all share, or one of a test's own that may be killed. */
import { type SparkState, spark } from '../../src/stack/engines/spark.ts'
import { shareEngine, startPrivateEngine } from './shared-engine.ts'

/** Starts it, or finds the one that this run has started. Takes about 8 s the first time. */
export function findSparkConnect(): Promise<SparkState | { missing: string }> {
  return shareEngine(spark)
}

export function startSparkConnect() {
  return startPrivateEngine(spark)
}
