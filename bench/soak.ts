/**
 * npm run soak [-- --minutes N --rate N --keep]
 *
 * `landfall up` under a steady load of the game's routes. Exit code 0 when, to the end, no request failed, nothing complained,
 * the memory of each process stayed flat, each table kept few live files per day, and the tables hold exactly what was
 * answered.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readArguments } from '../scripts/arguments.ts'
import type { LanderStatus } from '../src/lander/status.ts'
import { ownPlaces } from '../src/pipeline/places.ts'
import { openDataLake } from '../src/pipeline/readers.ts'
import { readUpFile } from '../src/pipeline/up-file.ts'
import { openTrinoEngine } from '../src/sql/drivers/trino.ts'
import { Child } from './child.ts'
import { type LandfallUp, root, startLandfallUp, untilServing } from './landfall-up.ts'
import { judgeFlatness, residentMiB } from './memory.ts'
import type { PacedCounts, PacedSettings } from './processes/paced-load.ts'
import { askNumber, countRows } from './sql-client.ts'

const FILES_PER_DAY_MAX = 64
const SAMPLE_MS = 5_000
const TABLES = ['events', 'sword_purchases', 'purchases', 'guilds', 'dead_letters'] as const

/** The paths of one round, and the tables that each one's event lands in. */
const ROUND: { path: string; tables: readonly string[] }[] = [
  { path: '/purchase_a_sword/sabre', tables: ['events', 'sword_purchases', 'purchases'] },
  { path: '/join_guild/grubs', tables: ['events', 'guilds'] },
  { path: '/purchase_a_shield/buckler', tables: ['events', 'purchases'] },
  { path: '/leave_guild/grubs', tables: ['events', 'guilds'] },
  { path: '/', tables: ['events'] },
]

const { values } = readArguments('npm run soak [-- --minutes N --rate N --keep]', {
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '2000' },
    /** Leave the data directory for a look. */
    keep: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
const rate = Number(values.rate)
if (!(minutes > 0 && rate > 0)) {
  process.stderr.write('soak: --minutes and --rate must be numbers above 0\n')
  process.exit(2)
}

mkdirSync(join(root, '.cache'), { recursive: true })
const data = mkdtempSync(join(root, '.cache', 'soak-'))
const up = await startLandfallUp('examples/game/pipeline.ts', data)
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
const problems: string[] = []
let answersBehind = 0
try {
  await untilServing(up, 'the door', async () => ((await fetch(`${up.http}/readyz`)).ok ? true : undefined))
  await untilServing(up, 'SQL', () => countRows(up.sql, 'events'))
  await soak(up)
} finally {
  const code = await up.stop()
  if (code !== 0) problems.push(`landfall up ended with ${code}`)
  if (values.keep) process.stdout.write(`data directory: ${data}\n`)
  else rmSync(data, { recursive: true, force: true })
}
for (const problem of problems) process.stdout.write(`NOT GOOD: ${problem}\n`)
process.stdout.write(problems.length === 0 ? 'soak: passed\n' : `soak: ${problems.length} problems\n`)
process.exit(problems.length === 0 ? 0 : 1)

async function soak(up: LandfallUp): Promise<void> {
  const settings: PacedSettings = {
    url: up.http,
    paths: ROUND.map(({ path }) => path),
    perSecond: rate,
    connections: 64,
  }
  await using load = await Child.start<{ do: 'count' | 'stop' }, PacedCounts>('paced-load', settings)
  const begun = performance.now()
  const memory = new Map<string, number[]>()
  const mostFiles = new Map<string, number>()
  while (performance.now() - begun < minutes * 60_000 && !interrupted.signal.aborted) {
    await sleep(SAMPLE_MS, undefined, { signal: interrupted.signal }).catch(() => {})
    sampleMemory(memory)
    await sampleFiles(mostFiles)
    const { answered, failed, slowestMs } = await load.ask({ do: 'count' })
    await askWhileRunning(up, sum(answered))
    const seconds = (performance.now() - begun) / 1000
    const sizes = Array.from(memory, ([name, samples]) => `${name} ${samples.at(-1)!.toFixed(0)}`).join(', ')
    process.stderr.write(
      `${seconds.toFixed(0)} s: ${sum(answered)} answered (${(sum(answered) / seconds).toFixed(0)}/s), ${failed} failed, slowest ${slowestMs.toFixed(0)} ms; MiB: ${sizes}\n`,
    )
  }
  const counts = await load.ask({ do: 'stop' })
  judgeLoad(counts, (performance.now() - begun) / 1000)
  judgeMemory(memory)
  judgeFiles(mostFiles)
  await judgeTables(up, counts)
  judgeNotes(up)
}

/** What was answered before the question is in the answer; and the query process works like everyone else. */
async function askWhileRunning(up: LandfallUp, answered: number): Promise<void> {
  try {
    await using engine = openTrinoEngine(up.sql)
    const { value, behind } = await askNumber(engine, 'SELECT count(*) FROM events')
    // After two seconds an answer comes without the newest events, and says so.
    if (behind) answersBehind += 1
    else if (value < answered) problems.push(`${answered} events had been answered, SQL counted ${value}`)
  } catch (error) {
    problems.push(`a question failed: ${(error as Error).message}`)
  }
}

/** Process ids change when a process is restarted, which is a problem of its own: it shows in the notes. */
function sampleMemory(memory: Map<string, number[]>): void {
  const file = readUpFile(data)
  for (const [name, pid] of Object.entries({ supervisor: file?.supervisor, ...file?.processes })) {
    const mib = pid === undefined ? undefined : residentMiB(pid)
    if (mib === undefined) continue
    if (!memory.has(name)) memory.set(name, [])
    memory.get(name)!.push(name === 'lander' ? mib - indexMiB() : mib)
  }
}

/**
 * What the lander's ids of the duplicates window take: about 24 bytes an id, doubled in steps and bounded by `lander.idsMemoryBytes`. It
 * grows by design until that is full, which takes hours, and is told apart from the rest.
 */
function indexMiB(): number {
  const status = JSON.parse(readFileSync(join(data, 'lander', 'status.json'), 'utf8')) as LanderStatus
  return status.ids.bytes / 2 ** 20
}

/** Live files per table and day: a partition's files lie in one directory. */
async function sampleFiles(most: Map<string, number>): Promise<void> {
  const lake = await openDataLake(ownPlaces(data))
  for (const table of await lake.listTables()) {
    const state = await lake.load(table)
    const perDay = new Map<string, number>()
    for (const { path } of state === undefined ? [] : await lake.files(state)) {
      perDay.set(dirname(path), (perDay.get(dirname(path)) ?? 0) + 1)
    }
    most.set(table, Math.max(most.get(table) ?? 0, ...perDay.values()))
  }
}

function judgeLoad({ answered, failed, failures, slowestMs }: PacedCounts, seconds: number): void {
  const perSecond = sum(answered) / seconds
  process.stdout.write(
    `answered: ${sum(answered)} in ${seconds.toFixed(0)} s, ${perSecond.toFixed(0)}/s, slowest ${slowestMs.toFixed(0)} ms\n`,
  )
  if (failed > 0) problems.push(`${failed} requests failed: ${failures.slice(0, 3).join(' · ')}`)
  if (perSecond < rate * 0.98)
    problems.push(`${perSecond.toFixed(0)} events per second were answered, ${rate} were asked for`)
}

function judgeMemory(memory: Map<string, number[]>): void {
  for (const [name, samples] of memory) {
    const { secondQuarterMiB, lastQuarterMiB, flat } = judgeFlatness(samples)
    process.stdout.write(
      `memory of ${name}: ${secondQuarterMiB.toFixed(0)} MiB in the second quarter, ${lastQuarterMiB.toFixed(0)} in the last, ${Math.max(...samples).toFixed(0)} at most\n`,
    )
    if (!flat)
      problems.push(`${name} grows: ${secondQuarterMiB.toFixed(0)} → ${lastQuarterMiB.toFixed(0)} MiB`)
  }
  process.stdout.write(`the lander's index of ids, beside that: ${indexMiB().toFixed(0)} MiB\n`)
  if (memory.size < 4) problems.push(`memory was seen of ${memory.size} processes, there are 4`)
}

function judgeFiles(most: Map<string, number>): void {
  for (const [table, files] of most) {
    process.stdout.write(`live files of ${table}: ${files} per day at most\n`)
    if (files > FILES_PER_DAY_MAX)
      problems.push(`${table} had ${files} live files in one day, ${FILES_PER_DAY_MAX} are allowed`)
  }
}

/** Every answered event is in each table that it matches, once, and nothing else is. */
async function judgeTables(up: LandfallUp, { answered }: PacedCounts): Promise<void> {
  for (const table of TABLES) {
    const expected = sum(ROUND.map(({ tables }, i) => (tables.includes(table) ? answered[i]! : 0)))
    const found = await countRows(up.sql, table)
    process.stdout.write(`rows of ${table}: ${found}, answered ${expected}\n`)
    if (found !== expected) problems.push(`${table} has ${found} rows, ${expected} events were answered`)
  }
}

function judgeNotes(up: LandfallUp): void {
  process.stdout.write(`answers that were behind: ${answersBehind}\n`)
  const complaints = up.notes.filter((line) => /^(warn|error): /.test(line))
  if (complaints.length > 0) problems.push(`${complaints.length} complaints, the first: ${complaints[0]}`)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
