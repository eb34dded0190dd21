/** `landfall up`, a month of players through its door, `landfall report` over its SQL address, and the notebook run by a real Jupyter. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import game from '../../examples/game/pipeline.ts'
import { askQuestion } from '../../src/pipeline/ask-question.ts'
import { projectRoot, type Running, startLandfall, until } from '../support/landfall.ts'
import { findPython } from '../support/python.ts'

const PIPELINE = 'examples/game/pipeline.ts'
const LONG = { timeout: 300_000 }
const python = await findPython()
let running: Running
let out: string

const landfall = async (...args: string[]) => {
  const bin = join(projectRoot, 'bin/landfall.js')
  return (await promisify(execFile)(process.execPath, [bin, ...args], { cwd: projectRoot })).stdout
}

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'landfall-report-'))
  running = await startLandfall(PIPELINE)
  await landfall(
    'simulate',
    PIPELINE,
    '--http',
    running.http,
    '--users',
    '120',
    '--backdate',
    '30d',
    '--seed',
    '5',
  )
  await until(
    'everything to be committed',
    async () => {
      const [row] = await running.query(
        'SELECT sum(pending) AS pending, sum(accepted) AS accepted FROM ledger',
      )
      return Number(row!['accepted']) > 1000 && Number(row!['pending']) === 0
    },
    60_000,
  )
}, 300_000)

afterAll(async () => {
  await running?.stop()
  if (out !== undefined) await rm(out, { recursive: true, force: true })
})

test('the notebook runs from top to bottom, and prints what was stored', LONG, async ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  const told = await landfall('report', PIPELINE, '--sql', running.sql, '--out', out)
  expect(told).toContain(`Wrote ${join(out, 'report.ipynb')}`)
  expect(told).toMatch(/Of batch \d+, snapshot \d+ of events, .*ledger closes/)
  const env = { LANDFALL_SQL: running.sql }
  const { stored, ran } = (await python.runJson('run_notebook.py', [join(out, 'report.ipynb')], { env })) as {
    stored: { id: string; count: number; text: string }[]
    ran: { id: string; count: number; text: string }[]
  }
  expect(stored.length).toBeGreaterThan(15)
  expect(ran).toEqual(stored)
})

test('over the data directory, with nothing running, the same batch is the same report', LONG, async () => {
  const { batch } = JSON.parse(
    await landfall('report', PIPELINE, '--sql', running.sql, '--out', out, '--json'),
  )
  const read = () =>
    Promise.all(['report.html', 'report.ipynb', 'report.md'].map((name) => readFile(join(out, name), 'utf8')))
  const before = await read()
  await running.stop()
  const questions = await askQuestion(game, 'buyers', { data: running.data })
  expect(questions).toEqual([{ players: expect.any(Number) }])
  await expect(askQuestion(game, 'byers', { data: running.data })).rejects.toMatchObject({
    hint: 'Did you mean buyers?',
  })
  const again = await landfall(
    'report',
    PIPELINE,
    '--data',
    running.data,
    '--out',
    out,
    '--at',
    String(batch),
  )
  expect(again).toMatch(
    new RegExp(`^Kept as tag report-${batch} until .*: "--at ${batch}" gives the same$`, 'm'),
  )
  expect(await read()).toEqual(before)
})
