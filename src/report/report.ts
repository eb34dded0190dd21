/**
 * Report: so what? What a pipeline's tables say at one batch, for a reader who decides.
 *
 * Promises: everything is asked of the snapshots of one batch, so the same batch gives the same report, byte for byte, whenever and however
 * often it is made; nothing in it comes from a clock. Persons are pseudonyms and groups of fewer than 5 are left out unless `identify`.
 * Only SQL is asked, and nothing is written, unless `keep` does. A question that fails is shown with its error and spoils nothing else.
 * Throws `report/no-data` and `report/expired`.
 */
import { isLandfallError } from '../base/errors.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import type { SqlEngine, Value } from '../sql/sql.ts'
import type { Analysis, AnalysisColumn } from './analytics.ts'
import { askRows } from './ask.ts'
import { gatherEvidence } from './evidence.ts'
import { FINDINGS_MAX, type Finding, findUnusual } from './findings/findings.ts'
import { type Frozen, freezeTables } from './frozen.ts'
import { usualFigures } from './usual-figures.ts'
import type { Weeks } from './weeks.ts'

export type { Finding } from './findings/findings.ts'

export interface FigureColumn {
  name: string
  /** Trino's. */
  type: string
  kind?: AnalysisColumn['kind']
}

export interface Figure {
  id: string
  section: 'persons' | 'quality' | 'questions' | 'evidence'
  title: string
  chart: 'table' | 'bar' | 'line' | 'pie' | 'number'
  /** As it was asked, of the snapshots. */
  sql: string
  columns: FigureColumn[]
  rows: Value[][]
  /** Rows of fewer than 5 persons are left out; this column has their number. */
  leftOutBy?: string
  /** Why there is no answer. */
  error?: string
}

export interface ReportOptions {
  /** Number of a batch, or a snapshot of `events` (default: the newest batch). */
  at?: bigint
  /** Real persons, and small groups too. */
  identify?: boolean
  /** Called with the batch before anything is asked of it: to keep its snapshots (`keepReport`). */
  keep?: (frozen: Frozen) => Promise<void>
}

export interface Report {
  pipeline: CompiledPipeline
  frozen: Frozen
  identify: boolean
  /** Undefined without any event of a known time. */
  weeks: Weeks | undefined
  newest: string | null
  /** Rows of `events` and `dead_letters` at the batch, and whether they are what the ledger counted. */
  ledger: { events: number; deadLetters: number; closes: boolean | null }
  /** Rows by table. */
  tables: ReadonlyMap<string, number>
  findings: Finding[]
  /** Findings beyond those. */
  more: Finding[]
  figures: Figure[]
}

/** Rows that a figure keeps. */
export const ROWS_MAX = 200

export async function makeReport(
  engine: SqlEngine,
  pipeline: CompiledPipeline,
  options: ReportOptions = {},
): Promise<Report> {
  const { identify = false } = options
  const frozen = await freezeTables(engine, pipeline, options)
  await options.keep?.(frozen)
  const figures: Figure[] = []
  const ask = async (
    figure: Omit<Figure, 'sql' | 'columns' | 'rows'>,
    analysis: Analysis | string,
  ): Promise<Figure> => {
    const made = await answer(engine, frozen, figure, analysis)
    const shown = identify ? made : withoutSmallGroups(made)
    figures.push({ ...shown, rows: shown.rows.slice(0, ROWS_MAX) })
    return made
  }
  const { events, deadLetters, tables, newest, weeks } = await usualFigures(pipeline, frozen, ask)
  const evidence = weeks && (await gatherEvidence(pipeline, frozen, weeks, ask))
  for (const { name, title, sql, chart } of pipeline.questions) {
    const figure = { id: `question-${name}`, section: 'questions', title, chart } as const
    if (identify || !readsPast(pipeline, sql)) await ask(figure, sql)
    else figures.push({ ...figure, sql: tidy(sql), columns: [], rows: [], error: PAST })
  }
  const found = evidence ? findUnusual(evidence) : []
  const { counters } = frozen
  const closes =
    counters &&
    counters.records === counters.landed + counters.dead + counters.duplicate &&
    counters.landed === events &&
    counters.dead === deadLetters
  return {
    pipeline,
    frozen,
    identify,
    weeks,
    newest,
    ledger: { events, deadLetters, closes },
    tables,
    findings: found.slice(0, FINDINGS_MAX),
    more: found.slice(FINDINGS_MAX),
    figures,
  }
}

const PAST =
  'it reads a version or the metadata of a table itself, where persons are no pseudonyms; --identify shows it'

/** Statistics of files (`"t$files"`) and versions that a statement names by itself have persons as they are. */
function readsPast({ views }: CompiledPipeline, sql: string): boolean {
  const past = /\w\$\w|\bFOR\s+(VERSION|TIMESTAMP)\s+AS\s+OF\b/i
  return past.test(sql) || views.some((view) => past.test(view.sql))
}

export type AskFigure = (
  figure: Omit<Figure, 'sql' | 'columns' | 'rows'>,
  analysis: Analysis | string,
) => Promise<Figure>

async function answer(
  engine: SqlEngine,
  frozen: Frozen,
  figure: Omit<Figure, 'sql' | 'columns' | 'rows'>,
  analysis: Analysis | string,
): Promise<Figure> {
  const written = typeof analysis === 'string' ? analysis : analysis.sql
  let sql = tidy(written)
  try {
    sql = tidy(await frozen.freeze(written))
    const { columns, rows } = await askRows(engine, sql)
    const kinds = typeof analysis === 'string' ? [] : analysis.columns
    const described = columns.map(({ name, type }, i) => ({
      name,
      type,
      ...(kinds[i] ? { kind: kinds[i].kind } : {}),
    }))
    return { ...figure, sql, columns: described, rows }
  } catch (error) {
    if (!isLandfallError(error) || error.kind !== 'fix-request') throw error
    return { ...figure, sql, columns: [], rows: [], error: error.message }
  }
}

export const GROUP_MIN = 5

/** Of the figures that say how many persons are in a row, rows of fewer than 5 are not shown; steps of a funnel say only that. */
function withoutSmallGroups(figure: Figure): Figure {
  const at = figure.columns.findIndex(({ name, kind }) => name === 'subjects' && kind === 'count')
  if (at < 0 || figure.id.startsWith('top-persons')) return figure
  const rows = figure.rows.filter((row) => Number(row[at]) >= GROUP_MIN || Number(row[at]) === 0)
  return { ...figure, rows, leftOutBy: figure.columns[at]!.name }
}

/** Without the indentation that the pipeline file has. */
function tidy(sql: string): string {
  const lines = sql.trim().split('\n')
  const indents = lines
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => /^ */.exec(line)![0].length)
  const common = Math.min(...indents, 40)
  return lines.map((line, i) => (i === 0 ? line : line.slice(common))).join('\n')
}
