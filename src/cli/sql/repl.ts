/** The interactive client: statements over several lines, history, completion, Ctrl-C for the running query. */
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { splitStatements } from '../../sql/text.ts'
import { createCompletion } from './completion.ts'
import { type History, openHistory } from './history.ts'
import { runStatement, type StatementRun } from './run-statement.ts'
import { write } from './sinks.ts'

const PROMPT = 'landfall> '
const CONTINUATION = '       -> '

const HELP = `Statements end with ; and may take several lines.

  SHOW TABLES;             the tables
  DESCRIBE purchases;      columns and types of one
  SELECT … ;               Trino's SQL, read only
  EXPLAIN SELECT … ;       how it would be answered

Ctrl-C ends the running query, Tab completes names. Leave with quit, exit or Ctrl-D.
`

export interface ReplOptions {
  run: StatementRun
  input: Readable
  output: Writable
  history?: History
}

/** Runs until quit, exit or the end of the input. */
export async function runRepl(options: ReplOptions): Promise<void> {
  const repl = new Repl(options)
  await repl.run()
}

class Repl {
  readonly #options: ReplOptions
  readonly #history: History
  readonly #interface: Interface
  #buffer = ''
  #running: AbortController | undefined
  /** Lines are taken one after the other, also those typed while a query runs. */
  #work: Promise<void> = Promise.resolve()
  #leaving = false

  constructor(options: ReplOptions) {
    this.#options = options
    this.#history = options.history ?? openHistory()
    const completion = createCompletion(options.run.engine)
    this.#interface = createInterface({
      input: options.input,
      output: options.output,
      terminal: true,
      history: this.#history.lines,
      historySize: 1000,
      removeHistoryDuplicates: true,
      prompt: PROMPT,
      completer: (line: string) => completion.complete(line),
    })
  }

  async run(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#interface.once('close', resolve))
    this.#interface.on('line', (line) => {
      this.#work = this.#work.then(() => this.#line(line))
    })
    this.#interface.on('SIGINT', () => this.#interrupt())
    this.#interface.prompt()
    await closed
    this.#leaving = true
    this.#running?.abort()
    await this.#work
    await write(this.#options.output, '\n')
  }

  #interrupt(): void {
    if (this.#running) return this.#running.abort()
    this.#buffer = ''
    this.#options.output.write('^C\n')
    // readline keeps the line that was begun; Ctrl-U takes it away.
    this.#interface.write(null, { ctrl: true, name: 'e' })
    this.#interface.write(null, { ctrl: true, name: 'u' })
    this.#prompt()
  }

  async #line(line: string): Promise<void> {
    if (this.#leaving) return
    if (this.#buffer === '' && (await this.#word(line.trim().replace(/;$/, '').toLowerCase()))) return
    this.#buffer += `${line}\n`
    const statements = splitStatements(this.#buffer)
    const complete = statements.filter((statement) => statement.ended)
    const rest = statements.find((statement) => !statement.ended)
    this.#buffer = rest ? this.#buffer.slice(rest.start) : ''
    for (const { sql } of complete) {
      this.#history.add(`${sql};`)
      this.#running = new AbortController()
      await runStatement(this.#options.run, sql, this.#running.signal)
      this.#running = undefined
      if (this.#leaving) return
    }
    this.#prompt()
  }

  /** Words that are no SQL and need no `;`. Returns whether it was one. */
  async #word(word: string): Promise<boolean> {
    if (word === 'quit' || word === 'exit') {
      this.#leaving = true
      this.#interface.close()
      return true
    }
    if (word === 'help') await write(this.#options.output, HELP)
    else if (word !== '') return false
    this.#prompt()
    return true
  }

  #prompt(): void {
    this.#interface.setPrompt(this.#buffer.trim() === '' ? PROMPT : CONTINUATION)
    this.#interface.prompt()
  }
}
