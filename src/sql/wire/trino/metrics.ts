import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface SqlMetrics {
  registry: Registry
  /** Counts an ended statement: `ok`, or the code of its error. */
  ended(outcome: string, seconds: number): void
}

export function createSqlMetrics(read: { computing: () => number; open: () => number }): SqlMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const statements = new Counter({
    name: 'landfall_sql_statements_total',
    help: 'Statements that have ended, by outcome (ok, or the code of the error)',
    labelNames: ['outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'landfall_sql_statement_seconds',
    help: 'From the statement to the end of its answer',
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  })
  const gauge = (name: string, help: string, value: () => number) => {
    const metric: Gauge = new Gauge({ name, help, registers, collect: () => metric.set(value()) })
  }
  gauge('landfall_sql_statements_computing', 'Statements that run or wait in the engine', read.computing)
  gauge(
    'landfall_sql_statements_open',
    'Statements whose answer is not fetched to its end, or just was',
    read.open,
  )
  return {
    registry,
    ended(outcome, took) {
      statements.inc({ outcome })
      seconds.observe(took)
    },
  }
}
