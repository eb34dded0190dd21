/**
 * Judges a chunk: one pass of DuckDB over the scratch file says of most records that they fit. Of the rest `checkEvent`, the same
 * function as at the door, says why not, or that they fit after all. Afterwards the connection's tables `judged` and
 * `faults` hold the verdicts, and every table of the pipeline is one SELECT away.
 */
import { unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { LandfallError } from '../../base/errors.ts'
import { checkEvent } from '../../model/check-event.ts'
import { isProblem, scanObject } from '../../model/json-scan.ts'
import type { CompiledPipeline, TableDefinition } from '../../model/pipeline.ts'
import type { Plan } from '../../model/plan.ts'
import type { Position } from '../../model/position.ts'
import { readable } from '../readable.ts'
import type { Scratch, ScratchColumns } from '../scratch.ts'
import { literal } from './field-text.ts'
import {
  behindSql,
  deadLettersSelect,
  eventsSelect,
  JudgedColumns,
  judgeSelect,
  tableSelect,
} from './judge-sql.ts'

/** Why a row is dead; `raw` where its bytes cannot stand in a column of text as they are. */
export interface RowFault {
  reason: string
  field: string | null
  detail: string
  raw?: string
}

/** Counts per partition. records = landed + dead + duplicate. */
export type ChunkCounts = Record<number, { records: number; landed: number; dead: number; duplicate: number }>

export interface Verdicts {
  counts: ChunkCounts
  /** Event types that have landed rows. */
  landedTypes: Set<string>
}

/** Finds the plan of a version; undefined when it is not known. */
export type PlanLoader = (version: string) => Promise<Plan | undefined>

export class Judge {
  readonly #connection: DuckDBConnection
  readonly #pipeline: CompiledPipeline
  readonly #loadPlan: PlanLoader
  readonly #directory: string
  readonly #file: string
  readonly #columns: JudgedColumns
  readonly #plans = new Map<string, Plan>()
  #scratch: Scratch | undefined

  /** Working files are made in `directory`; `name` is that of the scratch file there. */
  constructor(
    connection: DuckDBConnection,
    pipeline: CompiledPipeline,
    loadPlan: PlanLoader,
    directory: string,
    name = 'scratch',
  ) {
    this.#connection = connection
    this.#pipeline = pipeline
    this.#loadPlan = loadPlan
    this.#directory = directory
    this.#file = join(directory, name)
    this.#columns = new JudgedColumns(pipeline)
    this.#plans.set(pipeline.plan.version, pipeline.plan)
  }

  /** Writes the scratch file. While that is done, the chunk before may be judged elsewhere, and its predecessor's tables be read here. */
  prepare(scratch: Scratch): Promise<ScratchColumns> {
    return scratch.write(this.#file)
  }

  /** Judges what was prepared; `faults` are the rows whose fate is `dead` already. */
  async judge(scratch: Scratch, faults: Map<number, RowFault>, has: ScratchColumns): Promise<Verdicts> {
    this.#scratch = scratch
    // Known faults mean values that are no JSON; without them there are none, if what the doors vouched for is true.
    const strict = faults.size === 0
    try {
      await this.#judgeFile(scratch, has, strict)
    } catch (error) {
      // A record that a door vouched for and DuckDB cannot read: it must not stop the others.
      if (!distrust(scratch, faults) && !strict) throw error
      await this.#judgeFile(scratch, await this.prepare(scratch), false)
    } finally {
      await unlink(this.#file)
    }
    const first = await this.#count(scratch)
    if (first.doubtful > 0) await this.#recheck(scratch, faults)
    await this.#keepFaults(faults)
    return first.doubtful > 0 ? this.#count(scratch) : first
  }

  /** SELECT of one of the pipeline's tables, `events` or `dead_letters` over the judged chunk; `from`: of what lies there or behind. */
  select(table: TableDefinition | 'events' | 'dead_letters', from?: Position): string {
    const kinds = this.#scratch!.kinds
    if (table === 'events') return eventsSelect(this.#columns, kinds)
    const behind = from && behindSql(kinds, from)
    if (table === 'dead_letters') {
      const source = this.#pipeline.sources[0]?.name ?? ''
      const select = deadLettersSelect(kinds, this.#pipeline.plan.version, source)
      return behind ? `${select} WHERE ${behind}` : select
    }
    const select = tableSelect(this.#columns, table, kinds)
    return behind ? `${select} AND ${behind}` : select
  }

  /** Gives the chunk's memory back. */
  async clear(): Promise<void> {
    this.#scratch = undefined
    await this.#connection.run('DROP TABLE IF EXISTS judged; DROP TABLE IF EXISTS faults')
  }

  async #judgeFile(scratch: Scratch, has: ScratchColumns, strict: boolean): Promise<void> {
    const file = this.#file
    const byPlan = new Map<Plan, number[]>()
    for (const [id, kind] of scratch.kinds.entries()) {
      const plan = await this.#planOf(kind.plan)
      const ids = byPlan.get(plan)
      if (ids === undefined) byPlan.set(plan, [id])
      else ids.push(id)
    }
    // No TEMP table: that would be seen by one connection only.
    let statement = 'CREATE OR REPLACE TABLE judged AS'
    for (const [plan, chosen] of byPlan) {
      const { kinds } = scratch
      const select = judgeSelect(this.#pipeline, this.#columns, { file, has, strict, kinds, chosen, plan })
      await this.#connection.run(`${statement} ${select}`)
      statement = 'INSERT INTO judged'
    }
  }

  async #planOf(version: string | null): Promise<Plan> {
    const current = this.#pipeline.plan
    if (version === null) return current
    const known = this.#plans.get(version)
    if (known !== undefined) return known
    const plan = (await this.#loadPlan(version)) ?? current
    // Foreign producers may write anything there: what is remembered has a bound.
    if (this.#plans.size < 1000) this.#plans.set(version, plan)
    return plan
  }

  /** What DuckDB did not find to fit is judged by `checkEvent`, which decides. */
  async #recheck(scratch: Scratch, faults: Map<number, RowFault>): Promise<void> {
    const doubtful = await this.#rows(`SELECT v."row" FROM judged WHERE NOT ok`)
    const fitting: number[] = []
    for (const row of doubtful) {
      const value = scratch.valueOf(row)
      const fault = checkEvent(await this.#planOf(scratch.kindOf(row).plan), value.toString('utf8'))
      if (fault === null) fitting.push(row)
      else {
        // What is no JSON may hold anything.
        const raw = fault.reason === 'malformed_json' ? { raw: readable(value) } : {}
        faults.set(row, { ...fault, detail: oneLine(fault.detail), ...raw })
      }
    }
    if (fitting.length === 0) return
    await this.#connection.run(`UPDATE judged SET ok = true WHERE v."row" IN (${fitting.join(', ')})`)
  }

  async #keepFaults(faults: Map<number, RowFault>): Promise<void> {
    const file = join(this.#directory, 'faults')
    const lines: string[] = []
    for (const [row, { reason, field, detail, raw }] of faults) {
      lines.push([row, reason, oneLine(field ?? ''), detail, raw ?? ''].join('\x01'))
    }
    const columns = `{'row': 'INTEGER', 'reason': 'VARCHAR', 'field': 'VARCHAR', 'detail': 'VARCHAR', 'raw': 'VARCHAR'}`
    if (lines.length === 0) {
      await this.#connection.run(
        'CREATE OR REPLACE TABLE faults ("row" INTEGER, reason VARCHAR, field VARCHAR, detail VARCHAR, raw VARCHAR)',
      )
      return
    }
    const longest = lines.reduce((most, line) => Math.max(most, line.length * 4), 1 << 16)
    await writeFile(file, `${lines.join('\n')}\n`)
    try {
      await this.#connection.run(
        `CREATE OR REPLACE TABLE faults AS FROM read_csv(${literal(file)}, columns = ${columns}, header = false, delim = '\x01', quote = '', escape = '', new_line = '\\n', auto_detect = false, max_line_size = ${longest}, buffer_size = ${longest * 4})`,
      )
    } finally {
      await unlink(file)
    }
  }

  /** `doubtful`: rows that DuckDB did not find to fit. */
  async #count(scratch: Scratch): Promise<Verdicts & { doubtful: number }> {
    const counts: ChunkCounts = {}
    const landedTypes = new Set<string>()
    const result = await this.#connection.runAndReadAll(
      'SELECT kind, CASE WHEN ok THEN v.event_type END AS landed_type, count(*) AS n, count(*) FILTER (NOT ok) AS doubtful FROM judged GROUP BY ALL',
    )
    let records = 0
    let doubtful = 0
    for (const [id, type, n, notFitting] of result.getRows()) {
      const kind = scratch.kinds[Number(id)]!
      counts[kind.partition] ??= { records: 0, landed: 0, dead: 0, duplicate: 0 }
      const of = counts[kind.partition]!
      const rows = Number(n)
      records += rows
      doubtful += Number(notFitting)
      of.records += rows
      if (type !== null) of.landed += rows
      else if (kind.fate === 'duplicate') of.duplicate += rows
      else of.dead += rows
      if (type !== null) landedTypes.add(String(type))
    }
    if (records === scratch.rows) return { counts, landedTypes, doubtful }
    throw new LandfallError(
      'bug',
      'lander/rows-lost',
      `judging ${scratch.rows} records gave ${records} verdicts`,
      {
        hint: 'Nothing of them was landed. Report this with the version of Landfall',
      },
    )
  }

  async #rows(select: string): Promise<number[]> {
    const result = await this.#connection.runAndReadAll(select)
    return result.getRows().map(([row]) => Number(row))
  }
}

/** Reads every record strictly, whoever vouched for it; those that are no JSON object become dead. False when there are none. */
function distrust(scratch: Scratch, faults: Map<number, RowFault>): boolean {
  let found = false
  for (const { row, bad } of scratch.blankBytes()) {
    found = true
    if (scratch.kindOf(row).fate !== 'judge') continue
    scratch.setFate(row, 'dead')
    faults.set(row, { reason: 'malformed_json', field: null, detail: 'bytes that are no text', raw: bad })
  }
  for (let row = 0; row < scratch.rows; row++) {
    if (scratch.kindOf(row).fate === 'dead') continue
    const value = scratch.valueOf(row)
    const members = scanObject(value.toString('utf8'))
    if (!isProblem(members)) continue
    found = true
    if (scratch.kindOf(row).fate === 'judge') {
      scratch.setFate(row, 'dead')
      const detail = `${members.problem} at character ${members.at + 1}`
      faults.set(row, { reason: 'malformed_json', field: null, detail, raw: readable(value) })
    }
    value.fill(32)
  }
  return found
}

/** Text that may hold anything, for a line of a scratch file. */
function oneLine(text: string): string {
  return readable(Buffer.from(text.toWellFormed(), 'utf8'))
}
