import type { Writable } from 'node:stream'
import { formatError, isLandfallError } from '../../base/errors.ts'
import { freshnessText, freshnessWarning } from '../../sql/freshness.ts'
import { changeSession } from '../../sql/session/change-session.ts'
import type { Freshness, Session, SqlEngine } from '../../sql/sql.ts'
import { createJsonSink, createTableSink, write } from './sinks.ts'

export interface StatementRun {
  engine: SqlEngine
  json: boolean
  output: Writable
  errorOutput: Writable
  /** Where the line with the time goes; none in JSON. */
  timing: Writable | undefined
  /** Errors show the statement and a mark under the place. */
  marks: boolean
  /** What USE, SET SESSION, PREPARE … have changed so far. */
  session: Session
}

/** Runs one statement and prints its answer or its error. Returns whether it went well. */
export async function runStatement(run: StatementRun, sql: string, signal: AbortSignal): Promise<boolean> {
  const started = performance.now()
  try {
    const result = await run.engine.query(sql, { signal, session: run.session })
    if (result.sessionChange) run.session = changeSession(run.session, result.sessionChange)
    if (result.updateType !== undefined && !run.json) {
      await write(run.output, `${result.updateType}\n`)
      return true
    }
    const sink = run.json
      ? createJsonSink(run.output, result.columns)
      : createTableSink(run.output, result.columns)
    for await (const page of result.pages) {
      if (run.output.destroyed) return true
      await sink.page(page)
    }
    await sink.end()
    // Where the footer is printed it says how fresh the answer is; being behind is worth a line of its own.
    const warning = freshnessWarning(result.freshness)
    if (warning && (result.freshness.behind || !run.timing))
      await write(run.errorOutput, `warning: ${warning.text}\n`)
    if (run.timing) await write(run.timing, `${timingLine(performance.now() - started, result.freshness)}\n`)
    return true
  } catch (error) {
    await write(run.errorOutput, `${errorText(error, sql, run.marks)}\n`)
    return false
  }
}

function timingLine(ms: number, freshness: Freshness): string {
  const fresh = freshnessText(freshness)
  return `${(ms / 1000).toFixed(2)} s${fresh === undefined ? '' : `, ${fresh}`}`
}

/** `sql/unknown-column: line 1:8: Column 'bad' cannot be resolved. Did you mean cost?`, with the place below it. */
export function errorText(error: unknown, sql: string, marks: boolean): string {
  if (!isLandfallError(error)) return `landfall: ${formatError(error)}`
  const { line, column } = error.details
  if (typeof line !== 'number' || typeof column !== 'number') return `landfall: ${formatError(error)}`
  const hint = error.hint === undefined ? '' : `. ${error.hint}`
  const head = `landfall: ${error.code}: line ${line}:${column}: ${error.message}${hint}`
  const text = sql.split('\n')[line - 1]
  if (!marks || text === undefined) return head
  const shown = text.length > 160 ? undefined : text
  return shown === undefined ? head : `${head}\n${shown}\n${' '.repeat(column - 1)}^`
}
