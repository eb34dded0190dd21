/**
 * What must be true whatever failed: every acknowledged event is in each table that it belongs in exactly once and nowhere else; one that was
 * sent without an answer, either so or not at all; what was never sent is nowhere; every kept snapshot is whole; the ledger
 * closes.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Lake, TableState } from '../../src/lake/lake.ts'
import { readParquet } from '../../src/lake/parquet.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import type { LogReader } from '../../src/log/log.ts'

export interface Expectation {
  /** Every event that was ever sent, by its id, which its JSON bears as `event_id` → the tables it belongs in. */
  sent: ReadonlyMap<string, readonly string[]>
  /** Ids of those that were answered. */
  acknowledged: ReadonlySet<string>
}

export interface Verdict {
  acknowledged: number
  /** Of the acknowledged, those that miss in a table. */
  lost: number
  /** Rows beyond the first of an event in a table. */
  doubled: number
  /** What is wrong, in words; empty when all is well. */
  wrong: string[]
}

export interface OracleParts {
  log: LogReader
  lake: Lake
  connection: DuckDBConnection
}

/** Looks at tables that have landed everything the log holds. */
export async function judge(parts: OracleParts, expectation: Expectation): Promise<Verdict> {
  const verdict: Verdict = { acknowledged: expectation.acknowledged.size, lost: 0, doubled: 0, wrong: [] }
  const found = new Map<string, Map<string, number>>()
  for (const name of await parts.lake.listTables()) {
    const state = (await parts.lake.load(name))!
    found.set(name, await countIds(parts, state))
    await checkSnapshots(parts.lake, state, verdict)
  }
  for (const [id, tables] of expectation.sent) checkEvent(id, tables, expectation, found, verdict)
  for (const [table, ids] of found) {
    for (const id of ids.keys()) {
      if (!expectation.sent.has(id)) verdict.wrong.push(`${table} has ${id}, which was never sent`)
    }
  }
  await checkLedger(parts, found, verdict)
  return verdict
}

/** The same, and throws when something is wrong. `what`: how to come here again. */
export async function expectTruth(
  parts: OracleParts,
  expectation: Expectation,
  what: string,
): Promise<Verdict> {
  const verdict = await judge(parts, expectation)
  if (verdict.wrong.length === 0) return verdict
  const shown = verdict.wrong.slice(0, 20).join('\n  ')
  throw new Error(`${what}: ${verdict.wrong.length} things are wrong\n  ${shown}`)
}

function checkEvent(
  id: string,
  tables: readonly string[],
  { acknowledged }: Expectation,
  found: ReadonlyMap<string, ReadonlyMap<string, number>>,
  verdict: Verdict,
): void {
  const missing = tables.filter((table) => !found.get(table)?.has(id))
  if (acknowledged.has(id) && missing.length > 0) {
    verdict.lost += 1
    verdict.wrong.push(`${id} was acknowledged and is not in ${missing.join(', ')}`)
  } else if (missing.length > 0 && missing.length < tables.length) {
    verdict.wrong.push(`${id} is in some of its tables and not in ${missing.join(', ')}`)
  }
  for (const [table, ids] of found) {
    const count = ids.get(id) ?? 0
    if (count > 0 && !tables.includes(table))
      verdict.wrong.push(`${id} is in ${table}, where it does not belong`)
    if (count < 2) continue
    verdict.doubled += count - 1
    verdict.wrong.push(`${id} is ${count} times in ${table}`)
  }
}

/** Event id → rows with it. */
async function countIds({ lake, connection }: OracleParts, state: TableState): Promise<Map<string, number>> {
  const files = await lake.files(state)
  if (files.length === 0) return new Map()
  const { locations, release } = await lake.lease(files)
  try {
    const from = readParquet(state.schema, locations)
    const id = `regexp_extract(raw_event, '"event_id":"([^"]*)"', 1)`
    const result = await connection.runAndReadAll(`SELECT ${id}, count(*)::INT FROM ${from} GROUP BY 1`)
    return new Map(result.getRows() as [string, number][])
  } finally {
    release()
  }
}

/** Everything that a kept snapshot names is there. */
async function checkSnapshots(lake: Lake, state: TableState, verdict: Verdict): Promise<void> {
  for (const snapshot of state.metadata.snapshots) {
    const id = snapshot['snapshot-id']
    try {
      for (const { path, bytes } of await lake.files(state, id)) {
        const found = await lake.storage.stat(path)
        if (found?.bytes === bytes) continue
        verdict.wrong.push(
          `snapshot ${id} of ${state.name}: ${path} has ${found?.bytes ?? 'no'} bytes, not ${bytes}`,
        )
      }
    } catch (error) {
      verdict.wrong.push(`snapshot ${id} of ${state.name} cannot be read: ${String(error)}`)
    }
  }
}

/** The ledger closes, over the rows that were found, and nothing is pending. */
async function checkLedger(
  { log, lake }: OracleParts,
  found: ReadonlyMap<string, ReadonlyMap<string, number>>,
  verdict: Verdict,
): Promise<void> {
  const { closes, findings, total } = await readLedger({ log, lake })
  if (!closes) verdict.wrong.push(...findings.map(({ message }) => `the ledger does not close: ${message}`))
  const rows = (table: string) => [...(found.get(table)?.values() ?? [])].reduce((sum, n) => sum + n, 0)
  const landed = rows('events')
  const dead = rows('dead_letters')
  if (total.landed === landed && total.dead === dead && total.pending === 0) return
  verdict.wrong.push(
    `the ledger says ${JSON.stringify(total)}; ${landed} rows are in events, ${dead} in dead_letters`,
  )
}
