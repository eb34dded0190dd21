/** What Spark makes of a log by the compiled statements, without Kafka: the relation of the topic is a Parquet file. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { compileSparkSql, sparkSettings } from '../../src/lander/drivers/spark/sql/compile.ts'
import { landedTables } from '../../src/lander/tables.ts'
import type { EventLog } from '../../src/log/log.ts'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import type { Plan } from '../../src/model/plan.ts'
import type { Spark } from '../engines/spark.ts'

export type Rows = Record<string, unknown>[]

export interface Fault {
  partition: number
  offset: number
  fate: 'dead' | 'duplicate'
  reason: string | null
  field: string | null
  detail: string | null
}

export interface SparkTablesInput {
  spark: Spark
  connection: DuckDBConnection
  pipeline: CompiledPipeline
  plans?: ReadonlyMap<string, Plan>
  log: EventLog
  faults?: readonly Fault[]
  /** For files. */
  directory: string
}

/** Rows per table, as DuckDB reads them from Spark's files. */
export async function landWithSpark(input: SparkTablesInput): Promise<Record<string, Rows>> {
  const { spark, connection, pipeline, plans = new Map(), log, faults } = input
  const directory = mkdtempSync(join(input.directory, 'run-'))
  const settings = { ...sparkSettings, 'spark.sql.parquet.outputTimestampType': 'TIMESTAMP_MICROS' }
  for (const [name, value] of Object.entries(settings)) await spark.query(`SET ${name}=${value}`)
  const file = join(directory, 'kafka.parquet')
  await writeKafka(log, connection, file)
  const sql = compileSparkSql({ pipeline, plans, logId: log.id })
  await spark.query(`CREATE OR REPLACE TEMP VIEW kafka AS SELECT * FROM parquet.\`${file}\``)
  await spark.query(`CREATE OR REPLACE TEMP VIEW records AS ${sql.recordsSql('kafka')}`)
  if (faults !== undefined) await spark.query(`CREATE OR REPLACE TEMP VIEW faults AS ${valuesOf(faults)}`)
  await spark.query(`CACHE TABLE judged AS ${sql.judgedSql('records', faults && 'faults')}`)
  const tables: Record<string, Rows> = {}
  try {
    for (const table of landedTables(pipeline)) {
      const to = join(directory, table.name)
      await spark.query(`INSERT OVERWRITE DIRECTORY '${to}' USING parquet ${sql.tableSql('judged', table)}`)
      const result = await connection.runAndReadAll(
        `FROM read_parquet('${to}/*.parquet', hive_partitioning = false)`,
      )
      tables[table.name] = result.getRowObjectsJson() as Rows
    }
  } finally {
    await spark.query('UNCACHE TABLE IF EXISTS judged')
    await spark.query('DROP VIEW IF EXISTS judged')
  }
  return tables
}

/** The log as Spark's Kafka source would show it. */
async function writeKafka(log: EventLog, connection: DuckDBConnection, file: string): Promise<void> {
  const lines: string[] = []
  for await (const batch of log.read({ follow: false })) {
    for (const { partition, offset, receivedAt, value, headers } of batch.records) {
      const us = receivedAt % 1000
      const all = [
        ...headers.map(([key, of]) => [key, of.toString('hex')]),
        ...(us > 0 ? [['us', Buffer.from(`${us}`).toString('hex')]] : []),
      ]
      lines.push(
        JSON.stringify({
          value: value.toString('hex'),
          partition,
          offset,
          ms: Math.floor(receivedAt / 1000),
          headers: all.map(([key, hex]) => ({ key, hex })),
        }),
      )
    }
  }
  const json = `${file}.json`
  writeFileSync(json, lines.join('\n'))
  const columns = `{value: 'VARCHAR', "partition": 'INTEGER', "offset": 'BIGINT', ms: 'BIGINT', headers: 'STRUCT(key VARCHAR, hex VARCHAR)[]'}`
  await connection.run(
    `COPY (SELECT NULL::BLOB AS key, unhex(value) AS value, 'topic' AS topic, "partition", "offset", make_timestamptz(ms * 1000) AS timestamp, 0 AS timestampType, list_transform(headers, lambda h: {'key': h.key, 'value': unhex(h.hex)}) AS headers FROM read_json('${json}', columns = ${columns}, maximum_object_size = 100000000)) TO '${file}' (FORMAT parquet)`,
  )
}

function valuesOf(faults: readonly Fault[]): string {
  const text = (value: string | null) => (value === null ? 'CAST(NULL AS STRING)' : `'${value}'`)
  const none = `SELECT 0 AS partition, 0L AS offset, '' AS fate, '' AS reason, '' AS field, '' AS detail WHERE false`
  const rows = faults.map(
    ({ partition, offset, fate, reason, field, detail }) =>
      `SELECT ${partition}, ${offset}L, '${fate}', ${text(reason)}, ${text(field)}, ${text(detail)}`,
  )
  return [none, ...rows].join(' UNION ALL ')
}

/** Rows in an order of their own, JSON columns as what they mean: engines spell numbers and escapes differently. */
export function comparable(
  pipeline: CompiledPipeline,
  tables: Record<string, Rows>,
): Record<string, string[]> {
  const sorted = Object.entries(tables).map(([name, rows]) => {
    const json =
      pipeline.tables.find((table) => table.name === name)?.columns.filter(({ type }) => type === 'json') ??
      []
    const lines = rows.map((row) => {
      const meant = { ...row }
      for (const { name: column } of json)
        if (typeof row[column] === 'string') meant[column] = JSON.parse(row[column])
      return JSON.stringify(meant)
    })
    return [name, lines.sort()] as const
  })
  return Object.fromEntries(sorted)
}
