import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WireError, WireResults } from '../../src/sql/trino-protocol.ts'
import { greedyStatements, hostileStatements } from '../sql/support/hostile.ts'
import { CLIENT_PROBES, GREEDY, type Probe } from '../sql/support/hostile-clients.ts'
import {
  projectRoot,
  type Running,
  startLandfall,
  temporaryFolder,
  until,
  wait,
} from '../support/landfall.ts'

/**
 * A hostile client at the SQL door of a whole pipeline, while another client asks and an application sends events: nothing that it
 * tries succeeds, both are answered all along, and no event is lost.
 */
const SECRET = 'the-secret-of-the-file'
const folder = temporaryFolder()
const secretFile = join(folder, 'secret.csv')
let landfall: Running

beforeAll(async () => {
  cpSync(join(projectRoot, 'examples/game'), folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(secretFile, `${SECRET}\n${SECRET}\n`)
  const limits = "sql: { timeout: '8s', memoryMax: '256MB', temporaryMax: '100MB', rowsMax: 100_000 }"
  const pipeline = readFileSync(join(folder, 'pipeline.ts'), 'utf8')
  writeFileSync(
    join(folder, 'pipeline.ts'),
    pipeline.replace("subject: 'Host',", `subject: 'Host',\n  settings: { ${limits} },`),
  )
  landfall = await startLandfall(join(folder, 'pipeline.ts'))
  writeFileSync(join(landfall.data, 'lake', 'secret.csv'), `${SECRET}\n${SECRET}\n`)
}, 60_000)

afterAll(async () => {
  await landfall?.stop()
  rmSync(folder, { recursive: true, force: true })
  if (landfall) rmSync(landfall.data, { recursive: true, force: true })
})

interface Outcome {
  /** Everything the door said. */
  text: string
  rows: unknown[][]
  status: number
  error: WireError | undefined
  updateType: string | undefined
}

/** Fetches a statement to its end. */
async function ask(sql: string, user: string, headers: Record<string, string> = {}): Promise<Outcome> {
  const all = { 'X-Trino-User': user, 'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME', ...headers }
  let response = await fetch(`${landfall.sql}/v1/statement`, { method: 'POST', body: sql, headers: all })
  let text = await response.text()
  const outcome: Outcome = {
    text,
    rows: [],
    status: response.status,
    error: undefined,
    updateType: undefined,
  }
  while (response.ok) {
    const page = JSON.parse(text) as WireResults
    outcome.rows.push(...(page.data ?? []))
    outcome.error = page.error
    outcome.updateType = page.updateType
    if (!page.nextUri) break
    response = await fetch(page.nextUri, { headers: all })
    text = await response.text()
    outcome.text += text
    outcome.status = response.status
  }
  return outcome
}

/** Asks again when all memory is taken just then, as the error says. */
async function askAgain(sql: string, user: string): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await ask(sql, user)
    if (outcome.error?.errorName !== 'EXCEEDED_LOCAL_MEMORY_LIMIT' || attempt === 5) return outcome
    await wait(200)
  }
}

/** Calls `work` again and again until it is told to stop; resolves with how long each call took, in ms. */
function repeatedly(work: (i: number) => Promise<void>, pauseMs: number): () => Promise<number[]> {
  let stopped = false
  const took: number[] = []
  const done = (async () => {
    for (let i = 0; !stopped; i++) {
      const start = performance.now()
      await work(i)
      took.push(performance.now() - start)
      await wait(pauseMs)
    }
    return took
  })()
  // A failure is told where it is awaited.
  done.catch(() => {})
  return () => {
    stopped = true
    return done
  }
}

function filled({ sql, headers }: Probe): Probe {
  const fill = (text: string) =>
    text
      .replaceAll('FILE', secretFile)
      .replaceAll('INSIDE', join(landfall.data, 'lake', 'secret.csv'))
      .replaceAll('OUT', join(landfall.data, 'lake', 'out'))
  const entries = Object.entries(headers ?? {}).map(([name, value]) => [name, fill(value)])
  return { sql: fill(sql), headers: Object.fromEntries(entries) as Record<string, string> }
}

/** Files that somebody made in the test's folders and neither we nor the pipeline did. */
function strangeFiles(): string[] {
  const names = [folder, join(landfall.data, 'lake')].flatMap(
    (root) => readdirSync(root, { recursive: true }) as string[],
  )
  return names.filter((name) => /(^|\/)out/.test(name) || /\.(db|wal|duckdb|tmp_extension)$/.test(name))
}

const probes: Probe[] = [...CLIENT_PROBES, ...hostileStatements.map((sql) => ({ sql }))]
const greedy = [...GREEDY, ...greedyStatements.map(([, sql]) => sql)]

test('at least 300 probes, and none succeeds, while others are answered and no event is lost', async () => {
  expect(new Set(probes.map((probe) => JSON.stringify(probe))).size).toBeGreaterThanOrEqual(400)
  let sent = 0
  const stopEvents = repeatedly(async () => {
    const answer = await fetch(`${landfall.http}/purchase_a_sword/sabre`, {
      signal: AbortSignal.timeout(5000),
    })
    expect(answer.status).toBe(200)
    await answer.text()
    sent++
  }, 5)
  const stopAsking = repeatedly(async () => {
    const before = sent
    const { rows, error } = await askAgain('SELECT count(*) FROM sword_purchases', 'ann')
    expect(error).toBeUndefined()
    expect(Number(rows[0]![0])).toBeGreaterThanOrEqual(before)
  }, 20)

  const succeeded: string[] = []
  const attack = async (probe: Probe) => {
    const { sql, headers } = filled(probe)
    const { text, error, status } = await ask(sql, 'mallory', headers)
    const refused = status >= 400 ? status < 500 : error !== undefined && error.errorType !== 'INTERNAL_ERROR'
    if (!refused || text.includes(SECRET))
      succeeded.push(`${sql.slice(0, 200)} ${JSON.stringify(headers)}: ${status} ${text.slice(-600)}`)
  }
  for (let i = 0; i < probes.length; i += 8) await Promise.all(probes.slice(i, i + 8).map(attack))
  const eventsMeanwhile = await stopEvents()
  const asked = await stopAsking()
  expect(succeeded).toEqual([])
  expect(strangeFiles()).toEqual([])
  expect(eventsMeanwhile.length).toBeGreaterThan(10)
  expect(asked.length).toBeGreaterThan(5)
  expect(Math.max(...eventsMeanwhile)).toBeLessThan(5000)
  expect(Math.max(...asked)).toBeLessThan(20_000)
  expect(await landfall.query('SELECT count(*) AS n FROM sword_purchases')).toEqual([{ n: sent }])
}, 300_000)

test('greed of every kind ends by itself; others take their turn meanwhile', async () => {
  const process = landfall.up().processes
  let sent = 0
  const before = Number((await landfall.query('SELECT count(*) AS n FROM guilds'))[0]!['n'])
  const stopEvents = repeatedly(async () => {
    const answer = await fetch(`${landfall.http}/join_guild/grubs`, { signal: AbortSignal.timeout(10_000) })
    expect(answer.status).toBe(200)
    await answer.text()
    sent++
  }, 5)
  const stopAsking = repeatedly(async () => {
    const { rows, error } = await askAgain('SELECT count(*) FROM sword_purchases', 'ann')
    const said = landfall.output().split('\n')
    expect(error, said.filter((line) => line.includes('mistake of ours')).join('\n')).toBeUndefined()
    expect(rows).toHaveLength(1)
  }, 50)

  const failed: string[] = []
  const attack = async (sql: string) => {
    const { error, status, text } = await ask(sql, 'mallory')
    const ended =
      status === 413 || status === 400 || (error !== undefined && error.errorType !== 'INTERNAL_ERROR')
    if (!ended) failed.push(`${sql.slice(0, 200)}: ${status} ${text.slice(-300)}`)
  }
  await Promise.all(
    Array.from({ length: 6 }, async (_, lane) => {
      for (let i = lane; i < greedy.length; i += 6) await attack(greedy[i]!)
    }),
  )
  const eventsMeanwhile = await stopEvents()
  const asked = await stopAsking()
  expect(failed).toEqual([])
  expect(eventsMeanwhile.length).toBeGreaterThan(10)
  expect(Math.max(...eventsMeanwhile)).toBeLessThan(10_000)
  expect(asked.length).toBeGreaterThan(3)
  expect(Math.max(...asked)).toBeLessThan(30_000)
  expect(await landfall.query('SELECT count(*) AS n FROM guilds')).toEqual([{ n: before + sent }])
  expect(landfall.up().processes).toEqual(process)
}, 300_000)

test('statements that nobody fetches, and slow readers, take no place of others', async () => {
  const headers = { 'X-Trino-User': 'mallory' }
  const post = (sql: string) => fetch(`${landfall.sql}/v1/statement`, { method: 'POST', body: sql, headers })
  const opened = await Promise.all(
    Array.from({ length: 300 }, async () => {
      const response = await post('SELECT * FROM events')
      return {
        status: response.status,
        page: response.ok ? ((await response.json()) as WireResults) : undefined,
      }
    }),
  )
  const statuses = new Set(opened.map(({ status }) => status))
  expect([...statuses].every((status) => status === 200 || status === 503)).toBe(true)
  // They are let go while nobody asks for them; who was turned away meanwhile comes back.
  const answered = await until('another client is answered', async () => {
    const { status, rows } = await ask('SELECT 41 + 1', 'ann')
    return status === 200 && rows.length === 1 ? rows[0]![0] : undefined
  })
  expect(answered).toBe(42)
  await Promise.all(
    opened.map(({ page }) => page?.nextUri && fetch(page.nextUri, { method: 'DELETE', headers })),
  )
  const events = await fetch(`${landfall.http}/purchase_a_sword/katana`)
  expect(events.status).toBe(200)
  expect(await landfall.query("SELECT count(*) AS n FROM sword_purchases WHERE type = 'katana'")).toEqual([
    { n: 1 },
  ])
}, 120_000)
