import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonFloat } from '../../src/report/render/notebook.ts'
import { type ReportFile, renderReport } from '../../src/report/render.ts'
import { makeReport, type Report } from '../../src/report/report.ts'
import { browserMissing, openBrowser } from '../dashboard/support.ts'
import { projectRoot } from '../support/landfall.ts'
import { type History, openHistory, pipeline, WEEK } from './history.ts'

const LONG = 300_000
const LONG_ONE = { timeout: 60_000 }
let history: History
let report: Report
let files: ReportFile[]

beforeAll(async () => {
  history = await openHistory({
    seed: 31,
    players: 200,
    effects: [{ kind: 'decline', value: 'grubs', from: WEEK }],
    bad: 30,
  })
  report = await makeReport(history.engine, pipeline)
  files = await renderReport(report)
}, LONG)

afterAll(() => history?.[Symbol.asyncDispose]())

const content = (name: string) => files.find((file) => file.name === name)!.content

test('the same batch gives the same bytes, also after more has landed', { timeout: LONG }, async () => {
  const { batch } = report.frozen
  const snapshot = report.frozen.tables.get('events')!.snapshotId!
  const before = await history.world.rows('events', 'count(*) AS n')
  await history.world.send({ event: { event_type: 'default', Host: 'late.example' }, source: 'history' })
  await history.world.land()
  expect(await history.world.rows('events', 'count(*) AS n')).not.toEqual(before)
  for (const at of [BigInt(batch), snapshot])
    expect(await renderReport(await makeReport(history.engine, pipeline, { at }))).toEqual(files)
  const newest = await makeReport(history.engine, pipeline)
  expect(newest.frozen.batch).toBeGreaterThan(batch)
  await expect(makeReport(history.engine, pipeline, { at: 4711n })).rejects.toMatchObject({
    code: 'report/expired',
  })
})

test('no person is named unless asked for, and the same person has one pseudonym', {
  timeout: LONG,
}, async () => {
  for (const { name, content: text } of files) expect(text.match(/user\d+\.\w+/)?.[0], name).toBeUndefined()
  const identified = await makeReport(history.engine, pipeline, {
    at: BigInt(report.frozen.batch),
    identify: true,
  })
  const of = (made: Report, id: string) => made.figures.find((figure) => figure.id === id)!.rows
  expect(of(identified, 'question-money_per_player').every(([who]) => /^user\d+\./.test(String(who)))).toBe(
    true,
  )
  const sums = (made: Report) => of(made, 'question-money_per_player').map(([, money]) => money)
  expect(sums(report)).toEqual(sums(identified))
  const [top] = of(report, 'top-persons')
  expect(of(report, 'question-money_per_player').map(([who]) => who)).toContain(top![0])
})

test('a question that would go past the pseudonyms is not answered', { timeout: LONG }, async () => {
  const asked = [
    'SELECT lower_bounds FROM "purchases$files"',
    'TABLE purchases',
    'WITH purchases AS (TABLE purchases) SELECT host FROM purchases',
  ]
  const questions = asked.map((sql, i) => ({ name: `q${i}`, title: sql, sql, chart: 'table' as const }))
  const { figures } = await makeReport(history.engine, { ...pipeline, questions })
  const [files, whole, hidden] = figures.filter(({ section }) => section === 'questions')
  expect(files!.error).toMatch(/where persons are no pseudonyms/)
  for (const { rows, error } of [whole!, hidden!]) {
    expect([rows.length, error]).toEqual([200, undefined])
    expect(JSON.stringify(rows).match(/user\d+\.\w+/)?.[0]).toBeUndefined()
  }
})

test('the figures are those of the events', { timeout: LONG }, async () => {
  const rows = report.figures.find(({ id }) => id === 'question-guild_events')!.rows
  const counted = await history.world.rows('guilds', 'count(*) AS n, count(guild_member_cnt) AS m')
  expect(rows).toEqual([[Number(counted[0]!['n']), Number(counted[0]!['m'])]])
  expect(report.ledger).toMatchObject({ deadLetters: 30, closes: true })
  // A view of the pipeline, whose tables are those of the batch as well.
  const sql = await report.frozen.freeze(
    'SELECT sum(s.sold), count(*) FROM sales AS s JOIN purchases ON type = s.item',
  )
  expect(sql.match(/FOR VERSION AS OF/g)).toHaveLength(2)
  const sold = await history.engine.query(sql)
  for await (const page of sold.pages) expect(Number(page[0]![0])).toBeGreaterThan(0)
})

describe('HTML', () => {
  test('needs nothing from elsewhere and has no script', () => {
    const html = content('report.html')
    expect(
      html.match(/<(script|link|img|iframe|object|embed|base)\b|@import|url\((?!#)|\son\w+=/i)?.[0],
    ).toBeUndefined()
    const addresses = [...html.matchAll(/(?:href|src|action)="([^"]*)"/g)].map((match) => match[1]!)
    expect(addresses.filter((address) => !address.startsWith('#'))).toEqual([])
    const ids = new Set([...html.matchAll(/ id="([^"]*)"/g)].map((match) => match[1]!))
    expect(addresses.filter((address) => !ids.has(address.slice(1)))).toEqual([])
    expect(html.match(/<svg role="img"/g)!.length).toBeGreaterThan(6)
  })

  test('every figure says of which state it is', () => {
    const html = content('report.html')
    const figures = html.match(/<figure /g)!.length
    const stamp = `batch ${report.frozen.batch}, snapshot ${report.frozen.tables.get('events')!.snapshotId} of events`
    expect(html.split(`<figcaption>${stamp}`).length - 1).toBe(figures)
  })
})

describe('in a real browser', () => {
  const missing = browserMissing()

  test.for([
    [390, 'light'],
    [1280, 'dark'],
  ] as const)(
    '%i pixels wide, %s: without network, complaint, or anything beside the page',
    LONG_ONE,
    async ([width, colorScheme], { skip }) => {
      if (missing !== undefined) return skip(missing)
      const file = join(history.world.directory, 'report.html')
      await writeFile(file, content('report.html'))
      const browser = await openBrowser()
      try {
        const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, offline: true })
        const seen: string[] = []
        page.on('console', (message) => seen.push(message.text()))
        page.on('pageerror', (error) => seen.push(error.message))
        page.on('request', (request) => seen.push(request.url()))
        await page.goto(pathToFileURL(file).href)
        expect(seen).toEqual([pathToFileURL(file).href])
        expect(await page.locator('h2').allTextContents()).toEqual([
          'Summary',
          'The pipeline',
          'Persons',
          'Questions of the pipeline',
          'Quality of the data',
          'Method and SQL',
        ])
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0)
        await page.addScriptTag({ path: join(projectRoot, 'node_modules/axe-core/axe.min.js') })
        const found = (await page.evaluate('axe.run()')) as {
          violations: { id: string; impact: string; nodes: { html: string }[] }[]
        }
        const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        expect(serious.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
      } finally {
        await browser.close()
      }
    },
  )
})

test('floats are written as Python does', () => {
  const written = {
    1: '1.0',
    0.1: '0.1',
    1e16: '1e+16',
    123456789012345680: '1.2345678901234568e+17',
    0.00001: '1e-05',
    0.0001: '0.0001',
    1234.5: '1234.5',
  }
  for (const [value, text] of Object.entries(written)) expect(pythonFloat(Number(value))).toBe(text)
  expect([1 / 3, 2 / 3000, -2.5].map(pythonFloat)).toEqual([
    '0.3333333333333333',
    '0.0006666666666666666',
    '-2.5',
  ])
})
