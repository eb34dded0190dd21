/** `landfall sql`: one statement, several, a file, what comes through a pipe, or a conversation. */
import { readFile } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { LandfallError, systemCode } from '../../base/errors.ts'
import { NEW_SESSION } from '../../sql/session/change-session.ts'
import type { SqlEngine } from '../../sql/sql.ts'
import { splitStatements } from '../../sql/text.ts'
import type { History } from './history.ts'
import { runRepl } from './repl.ts'
import { errorText, runStatement, type StatementRun } from './run-statement.ts'
import { write } from './sinks.ts'

export interface RunSqlOptions {
  engine: SqlEngine
  /** One or more statements, separated by `;`. */
  statement?: string
  /** A file of such. */
  file?: string
  /** Nothing but one array of row objects on `output`; takes exactly one statement. */
  json?: boolean
  input: Readable
  output: Writable
  errorOutput: Writable
  /** A person sits at input and output. */
  isTTY: boolean
  /** Ends the running statement and what follows (Ctrl-C of a batch). */
  signal?: AbortSignal
  /** Default: the file in the user's state directory. */
  history?: History
}

/** Returns the exit code: 0, or 1 when a statement failed. Nothing runs after one that failed. */
export async function runSql(options: RunSqlOptions): Promise<number> {
  const { engine, json = false, input, output, errorOutput, isTTY } = options
  const timing = json ? undefined : isTTY ? output : errorOutput
  const session = NEW_SESSION
  const run: StatementRun = { engine, json, output, errorOutput, timing, marks: isTTY, session }
  // `landfall sql … | head` closes the pipe: no error of ours.
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  if (isTTY && options.statement === undefined && options.file === undefined) {
    await runRepl({ run, input, output, ...(options.history ? { history: options.history } : {}) })
    return 0
  }
  try {
    return await runBatch(run, await statementsOf(options), options.signal ?? new AbortController().signal)
  } catch (error) {
    await write(errorOutput, `${errorText(error, '', false)}\n`)
    return 1
  }
}

async function runBatch(run: StatementRun, statements: string[], signal: AbortSignal): Promise<number> {
  if (statements.length === 0) {
    throw new LandfallError('fix-request', 'sql/syntax', 'there is no statement', {
      hint: 'Give one in quotes, e.g. landfall sql "show tables"',
    })
  }
  if (run.json && statements.length > 1) {
    throw new LandfallError(
      'fix-request',
      'sql/syntax',
      `expected one statement with --json, found ${statements.length}`,
    )
  }
  for (const sql of statements) {
    if (!(await runStatement(run, sql, signal))) return 1
  }
  return 0
}

async function statementsOf({ statement, file, input }: RunSqlOptions): Promise<string[]> {
  const sql = statement ?? (file === undefined ? await text(input) : await readSqlFile(file))
  return splitStatements(sql).map((found) => found.sql)
}

async function readSqlFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new LandfallError(
      'fix-request',
      'sql/file',
      `cannot read ${path}: ${systemCode(error) ?? 'unknown error'}`,
      {
        cause: error,
      },
    )
  }
}
