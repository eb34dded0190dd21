import { rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LandfallError } from '../../base/errors.ts'
import { SETTINGS } from '../../config.ts'
import type { Question } from '../../model/pipeline.ts'
import { loadPipeline } from '../../pipeline/load.ts'
import { openRemoteSql } from '../../pipeline/readers.ts'
import { readUpFile, type UpFile } from '../../pipeline/up-file.ts'
import { sendRequests } from '../../simulate/send.ts'
import type { SqlEngine, Value } from '../../sql/sql.ts'
import { describeError, EXIT, exit, exitCodeOf } from '../exit.ts'
import { openProgress } from '../progress.ts'
import { type Report, reportText } from '../reporter.ts'
import { loadHints, roundsOf } from '../simulate/load-file.ts'
import { formatTable } from '../table.ts'
import { openSupervisor, type Supervisor } from '../up/supervisor.ts'
import { stopOnSignals } from '../up/up.ts'
import { freePort } from './free-port.ts'

export interface DemoOptions {
  launcher: string
  once: boolean
  keep: boolean
  rounds: number
}

const root = fileURLToPath(new URL('../../../', import.meta.url))
const pipelinePath = join(root, 'examples', 'game', 'pipeline.ts')
const say = (text: string) => process.stdout.write(`${text}\n`)
const report: Report = reportText

/**
 * `npm start`: the game, from the first request to the answers of its questions. It begins with an empty data directory each
 * time, so that the answers are always the same; `--keep` goes on with the last one. Ends the process.
 */
export async function runDemo(options: DemoOptions): Promise<never> {
  const data = join(root, 'data', 'demo')
  let supervisor: Supervisor | undefined
  try {
    await prepare(data, options.keep)
    supervisor = await openSupervisor({
      launcher: options.launcher,
      pipeline: pipelinePath,
      data,
      flags: await addresses(data),
      report,
    })
    const stopped = stopOnSignals(supervisor, report)
    const up = await Promise.race([supervisor.start(), stopped])
    if (up !== undefined) {
      const played = await Promise.race([
        play(up, options.rounds).then(() => true),
        supervisor.failed,
        stopped,
      ])
      if (played === true && options.once) await supervisor.stop()
      else if (played === true) {
        say(farewell(up, data))
        await Promise.race([supervisor.failed, stopped])
      }
    }
  } catch (error) {
    process.stderr.write(`landfall: ${describeError(error)}\n`)
    await supervisor?.hurry()
    return exit(exitCodeOf(error))
  }
  return exit(EXIT.ok)
}

async function prepare(data: string, keep: boolean): Promise<void> {
  const running = readUpFile(data)
  if (running !== undefined) {
    throw new LandfallError('fix-config', 'demo/running', `the game runs already, at ${running.http}`, {
      hint: `Stop it first: kill ${running.supervisor}`,
    })
  }
  if (!keep) await rm(data, { recursive: true, force: true })
}

/** The usual ports, or the next free ones, said when they are others. */
async function addresses(data: string): Promise<string[]> {
  const flags = ['--data', data]
  for (const name of ['collector.listen', 'sql.listen'] as const) {
    const { default: usual, flag } = SETTINGS[name]
    const port = await freePort(usual.port, usual.host)
    if (port !== usual.port) say(`port ${usual.port} is taken, using ${port}`)
    flags.push(flag!, `${usual.host}:${port}`)
  }
  return flags
}

async function play(up: UpFile, rounds: number): Promise<void> {
  const pipeline = await loadPipeline(pipelinePath)
  const work = roundsOf(await loadHints(pipelinePath, undefined, pipeline), rounds)
  say(`The game is up at ${up.http}. Its players send ${work.count} requests, one after the other.`)
  const progress = openProgress('players', work.count)
  const sent = await sendRequests({
    ...work,
    url: up.http,
    rate: 0,
    onAnswer: (done) => progress.update(done),
  })
  progress.end()
  if (sent.failed > 0 || sent.refused > 0) {
    throw new LandfallError(
      'bug',
      'demo/requests',
      `${sent.failed} requests failed, ${sent.refused} were refused`,
    )
  }
  const perSecond = (work.count / sent.elapsedMs) * 1000
  say(
    `${work.count} answers in ${(sent.elapsedMs / 1000).toFixed(1)} s (${perSecond.toFixed(0)}/s, each durable before its answer).`,
  )
  await using sql = await openRemoteSql(up.sql)
  for (const question of pipeline.compiled.questions) say(await answer(sql, question))
}

async function answer(sql: SqlEngine, { title, sql: statement }: Question): Promise<string> {
  const { columns, pages } = await sql.query(statement)
  const rows: Value[][] = []
  for await (const page of pages) rows.push(...page)
  const right = new Set(columns.flatMap(({ type }, i) => (/int|double|decimal|real/.test(type) ? [i] : [])))
  const cells = rows.map((row) => row.map((value) => (value === null ? 'NULL' : String(value))))
  return `\n${title}\n\n${formatTable(
    columns.map(({ name }) => name),
    cells,
    { right },
  )}`
}

function farewell(up: UpFile, data: string): string {
  const flag = `--data ${relative(process.cwd(), data)}`
  return [
    '',
    'It stays up until Ctrl-C. In another terminal:',
    `  curl ${up.http}/join_guild/grubs`,
    `  npx landfall sql ${flag} "select * from guilds limit 5"`,
    `  npx landfall watch ${flag}        the events as they are in the log`,
    `  npx landfall tables ${flag}       rows, files, position`,
    `  npx landfall files ${flag}        the Parquet files`,
    `  npx landfall status ${flag}       what runs, and the ledger`,
    `  npx landfall simulate examples/game/pipeline.ts --http ${new URL(up.http).host} --events 10000`,
    `SQL clients of Trino and Presto connect to ${up.sql} (catalog hive, schema default).`,
  ].join('\n')
}
