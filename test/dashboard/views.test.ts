import { readFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Browser } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import { until } from '../support/landfall.ts'
import {
  beforeAllOpen,
  expectNoComplaints,
  type Game,
  keepPlaying,
  type Opened,
  openPage,
  playRounds,
  sendBadEvents,
  sendEvents,
  stageOf,
  startGame,
} from './support.ts'

let browser: Browser
let game: Game
let opened: Opened | undefined

beforeAllOpen(async (both) => {
  ;({ browser, game } = both)
  await playRounds(game.running, 4)
  await sendBadEvents(game.running, 3)
})
afterEach(async () => {
  if (opened === undefined) return
  const last = opened
  opened = undefined
  await last.page.close()
  expectNoComplaints(last)
})

async function open(route: string) {
  opened = await openPage(browser, `${game.running.sql}/#/${route}`)
  return opened.page
}

test('the flow shows live rates, what waits, and a ledger that closes', async () => {
  const page = await open('flow')
  await using _players = keepPlaying(game.running)
  await page.getByText('Everything is in order.').waitFor()
  expect(await stageOf(page, 'Door').locator('.unit').textContent()).toBe('events accepted')
  await until('a rate at the door', async () =>
    /^[1-9]/.test((await stageOf(page, 'Door').locator('.main').textContent())!),
  )
  await until('events that wait', async () =>
    /^[1-9]/.test((await stageOf(page, 'Lander').locator('.main').textContent())!),
  )
  expect(await stageOf(page, 'SQL').locator('.main').textContent()).toBe('now')
  expect(await page.locator('.arrow.moving').count()).toBeGreaterThanOrEqual(2)
  expect(await page.locator('.closes').textContent()).toBe('The sum closes')
  await until('a commit in the chart', async () => (await page.locator('rect.part.landed').count()) > 0)
  const sum = await page.locator('.sum dd').allTextContents()
  const [accepted, ...parts] = sum.map((text) => Number(text.replaceAll(',', '')))
  expect(parts.reduce((total, part) => total + part, 0)).toBe(accepted)
  expect(await page.locator('.flow-picture').getAttribute('aria-label')).toContain('Door: ')
})

test('refusals are told with their reason, as a warning', async () => {
  const page = await open('flow')
  await page.getByText('Everything is in order.').waitFor()
  const refused = await fetch(`${game.running.http}/v1/events`, { method: 'POST', body: '{oops' })
  expect(refused.status).toBe(400)
  await page
    .locator('.notice.warn', { hasText: 'The door refused 1 in the last minute: collector/malformed-body' })
    .waitFor()
  expect(await stageOf(page, 'Door').getAttribute('class')).toBe('stage warn')
  expect(await stageOf(page, 'Door').locator('.state').textContent()).toBe('look here')
  await page.locator('.refusals', { hasText: 'collector/malformed-body' }).waitFor()
})

test('a process that is down is red, and in order again when it is back', async () => {
  const page = await open('flow')
  await stageOf(page, 'Door').locator('.main').waitFor()
  const { supervisor, processes } = game.running.up()
  // Suspended, it cannot start the door again.
  process.kill(supervisor, 'SIGSTOP')
  try {
    process.kill(processes.door, 'SIGKILL')
    await page.locator('.notice.bad', { hasText: 'The door process does not run' }).waitFor()
    expect(await stageOf(page, 'Door').getAttribute('class')).toBe('stage bad')
    expect(await stageOf(page, 'Door').locator('.state').textContent()).toBe('down')
  } finally {
    process.kill(supervisor, 'SIGCONT')
  }
  await page.locator('.notice.bad').waitFor({ state: 'detached' })
  expect(await stageOf(page, 'Door').getAttribute('class')).not.toContain('bad')
})

test('a lander that stands still is red: what SQL does not see grows, and events wait to land', async () => {
  const page = await open('flow')
  // Refusals of the tests before are told for a minute.
  await page.getByText('Everything is in order.').waitFor({ timeout: 90_000 })
  await using _players = keepPlaying(game.running, 200)
  const { lander } = game.running.up().processes
  const sql = page.locator('.notice.bad', { hasText: /^SQL is \d+ s behind the log, and falls back further/ })
  const waits = page.locator('.notice.bad', { hasText: /^An accepted event has waited \d+ s to land/ })
  process.kill(lander, 'SIGSTOP')
  try {
    await sql.waitFor({ timeout: 60_000 })
    expect(await stageOf(page, 'SQL').getAttribute('class')).toBe('stage bad')
    expect(await stageOf(page, 'SQL').locator('.unit').textContent()).toBe('behind the log')
    await waits.waitFor({ timeout: 60_000 })
    expect(await stageOf(page, 'Lander').getAttribute('class')).toBe('stage bad')
    expect(await stageOf(page, 'Lander').locator('.state').textContent()).toBe('wrong')
  } finally {
    process.kill(lander, 'SIGCONT')
  }
  await page.getByText('Everything is in order.').waitFor({ timeout: 60_000 })
  expect(await stageOf(page, 'SQL').locator('.main').textContent()).toBe('now')
}, 240_000)

test('an address that nobody could have made shows the flow', async () => {
  const page = await open('%')
  await stageOf(page, 'Door').locator('.main').waitFor()
})

test('the page finds its way back when the query process was killed', async () => {
  const page = await open('flow')
  await stageOf(page, 'Door').locator('.main').waitFor()
  process.kill(game.running.up().processes.query, 'SIGKILL')
  await page.getByText('Connection lost, trying again').waitFor()
  const notice = page.locator('.notice.bad', {
    hasText: 'The flow cannot be seen: the server does not answer',
  })
  await notice.waitFor()
  expect(await page.getByText('Everything is in order.').count()).toBe(0)
  expect(await page.locator('.picture.stale').count()).toBe(1)
  await notice.waitFor({ state: 'detached' })
  expect(await page.locator('.picture.stale').count()).toBe(0)
  await page.locator('#link', { hasText: /^$/ }).waitFor({ state: 'attached' })
  await until('the door of SQL', () =>
    fetch(`${game.running.sql}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    ),
  )
  // What the browser says of a connection that is gone is not ours to keep quiet.
  opened!.complaints.splice(0)
})

test('the live tail shows what comes, filters by event and text, and pauses', async () => {
  const page = await open('live')
  const rows = page.locator('.events li')
  await until('the last events', async () => (await rows.count()) >= 50)
  await sendEvents(game.running, [{ event_type: 'purchase_sword', type: 'excalibur', cost: 7 }])
  await rows.first().locator('code', { hasText: 'excalibur' }).waitFor()
  expect(await rows.first().locator('.type').textContent()).toBe('purchase_sword')

  await rows.first().locator('summary').click()
  await rows.first().locator('pre', { hasText: '"type": "excalibur"' }).waitFor()

  await page.getByLabel('Event', { exact: true }).selectOption('purchase_sword')
  await page.getByLabel('Text', { exact: true }).fill('EXCALIBUR')
  await until('only what fits', async () => (await rows.count()) === 1)
  await sendEvents(game.running, [
    { event_type: 'purchase_sword', type: 'katana', cost: 1 },
    { event_type: 'join_guild', guild_member_cnt: 1, guild_name: 'excalibur', tot_guild_member_cnt: 1 },
    { event_type: 'purchase_sword', type: 'second excalibur', cost: 8 },
  ])
  await rows.nth(1).waitFor()
  expect(await rows.locator('code').allTextContents()).toEqual([
    expect.stringContaining('second excalibur'),
    expect.stringContaining('excalibur'),
  ])

  await page.getByRole('button', { name: 'Pause' }).click()
  await sendEvents(game.running, [{ event_type: 'purchase_sword', type: 'third excalibur', cost: 9 }])
  await page.waitForTimeout(700)
  expect(await rows.count()).toBe(2)
  await page.getByRole('button', { name: 'Go on' }).click()
  await until('what came meanwhile', async () => (await rows.count()) === 3)
})

test('a live tail that was hidden or cut off shows no event twice, and says that it is cut off', async () => {
  const page = await open('live')
  const rows = page.locator('.events li')
  await until('the last events', async () => (await rows.count()) >= 50)
  const before = await rows.count()
  for (const hidden of [true, false])
    await page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))`)
  await page.waitForTimeout(1000)
  await sendEvents(game.running, [{ event_type: 'purchase_sword', type: 'hidden', cost: 7 }])
  await rows.first().locator('code', { hasText: '"hidden"' }).waitFor()
  expect(await rows.count()).toBe(before + 1)

  process.kill(game.running.up().processes.query, 'SIGKILL')
  const lost = page.getByText('Connection lost, trying again')
  await lost.waitFor()
  await lost.waitFor({ state: 'detached' })
  await page.waitForTimeout(1000)
  expect(await rows.count()).toBe(before + 1)
  opened!.complaints.splice(0)
})

test('tables have rows, columns, files and snapshots, and rows as of a snapshot', async () => {
  const { running } = game
  const page = await open('tables')
  const row = page.locator('tbody tr', { has: page.getByRole('link', { name: 'events', exact: true }) })
  await row.waitFor()
  await until('files of events', async () => {
    await page.reload()
    return Number(await row.locator('td').nth(3).textContent({ timeout: 3000 })) > 0
  })
  await row.getByRole('link').click()
  await page.getByRole('heading', { name: 'events' }).waitFor()
  await page.locator('tbody tr').first().waitFor()

  const options = await page
    .getByLabel('As of')
    .locator('option')
    .evaluateAll((all) => all.map((one) => (one as unknown as { value: string }).value))
  const oldest = options.at(-1)!
  const snapshots = await running.query(
    `SELECT snapshot_id, summary['total-records'] AS rows FROM "events$snapshots"`,
  )
  const total = Number(
    snapshots.find((one) => String(one['snapshot_id']) === oldest || snapshots.length === 1)?.['rows'] ??
      Number.NaN,
  )
  await page.getByLabel('As of').selectOption(oldest)
  // Ids beyond 2^53 lose digits in the plain client of the tests: then the number of rows is what the page itself says.
  const label = await page.getByLabel('As of').locator('option').last().textContent()
  const rows = Number.isNaN(total) ? Number(/([\d,]+) rows?$/.exec(label!)![1]!.replaceAll(',', '')) : total
  await until(
    'the rows of the oldest snapshot',
    async () => (await page.locator('tbody tr').count()) === Math.min(rows, 100),
  )

  await page.getByRole('tab', { name: 'Columns' }).click()
  expect(await page.locator('tbody tr').allTextContents()).toContain('received_attimestamp(6) with time zone')
  await page.getByRole('tab', { name: 'Snapshots' }).click()
  expect(await page.locator('tbody tr').count()).toBe(options.length - 1)
  expect(await page.locator('tbody tr').first().textContent()).toContain('current')
  await page.getByRole('tab', { name: 'Files' }).click()
  expect(await page.locator('tbody code').first().textContent()).toMatch(/\.parquet$/)
})

test('SQL: completion, answer, chart, error with its place, history', async () => {
  const page = await open('sql')
  const editor = page.getByLabel('SQL statement')
  await editor.fill('')
  await editor.pressSequentially('SELECT event_type, count(*) AS n FROM ev')
  await page.getByRole('option', { name: 'events', exact: true }).waitFor()
  await editor.press('Tab')
  await editor.pressSequentially(' WHERE recei')
  await page.getByRole('option', { name: 'received_at', exact: true }).waitFor()
  await editor.press('ArrowDown')
  await editor.press('Enter')
  await editor.pressSequentially(' IS NOT NULL GROUP BY 1 ORDER BY 2 DESC')
  await editor.press('Escape')
  expect(await editor.inputValue()).toBe(
    'SELECT event_type, count(*) AS n FROM events WHERE received_at IS NOT NULL GROUP BY 1 ORDER BY 2 DESC',
  )
  await editor.press('Control+Enter')
  await page.locator('.note', { hasText: /^5 rows in/ }).waitFor()
  const first = await page.locator('tbody tr').first().locator('td').allTextContents()
  const truth = await game.running.query(
    'SELECT event_type, count(*) AS n FROM events GROUP BY 1 ORDER BY 2 DESC LIMIT 1',
  )
  expect(first).toEqual([truth[0]!['event_type'], String(truth[0]!['n'])])
  expect(await page.locator('.answer-chart rect').count()).toBe(5)
  await page.getByLabel('Chart').selectOption('lines')
  expect(await page.locator('.answer-chart path.line').count()).toBe(1)
  await page.getByLabel('Chart').selectOption('none')
  expect(await page.locator('.answer-chart').count()).toBe(0)

  await editor.fill('\n\n  SELECT evnt_type\nFROM events;\n')
  await page.getByRole('button', { name: 'Run' }).click()
  await page.getByRole('alert').waitFor()
  expect(
    await editor.evaluate((area: { value: string; selectionStart: number; selectionEnd: number }) =>
      area.value.slice(area.selectionStart, area.selectionEnd),
    ),
  ).toBe('evnt_type')

  await page.reload()
  await page.getByLabel('History and questions').selectOption({ index: 1 })
  expect(await editor.inputValue()).toContain('GROUP BY 1 ORDER BY 2 DESC')
})

test('a long question is cancelled, here and in the engine', async () => {
  const page = await open('sql')
  await page
    .getByLabel('SQL statement')
    .fill(
      'SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x), UNNEST(sequence(1, 10000)) b(y), UNNEST(sequence(1, 10000)) c(z) WHERE sqrt(x * y + z) < 0',
    )
  await page.getByRole('button', { name: 'Run' }).click()
  await page.locator('.note', { hasText: /^Running, / }).waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('Cancelled.').waitFor()
  await until('the engine to have ended it', async () => {
    const rows = await game.running.query(
      "SELECT state FROM system.runtime.queries WHERE source = 'landfall-dashboard' AND state IN ('QUEUED', 'RUNNING')",
    )
    return rows.length === 0
  })
  expect(await page.getByRole('button', { name: 'Run' }).isEnabled()).toBe(true)
})

test('an answer is downloaded as CSV and as Parquet, whole and with its types', async () => {
  const page = await open('sql')
  const sql = `SELECT x AS n, 'a "quoted", text' AS t, CAST(x AS decimal(10,2)) AS d, sum(x) OVER () AS s, TIMESTAMP '2026-01-31 12:00:00 UTC' AS at
FROM UNNEST(sequence(1, 3000)) q(x) ORDER BY 1`
  await page.getByLabel('SQL statement').fill(sql)
  const fetched = async (name: string) => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name }).click(),
    ])
    await page.locator('.note', { hasText: /^3,000 rows, / }).waitFor()
    return (await download.path())!
  }
  const lines = readFileSync(await fetched('CSV'), 'utf8').split('\r\n')
  expect(lines[0]).toBe('n,t,d,s,at')
  expect(lines[1]).toBe('1,"a ""quoted"", text",1.00,4501500,2026-01-31 12:00:00 UTC')
  expect(lines.length).toBe(3002)

  const parquet = await fetched('Parquet')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const types = await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet('${parquet}')`)
  expect(types.getRows().map(([name, type]) => `${String(name)} ${String(type)}`)).toEqual([
    'n BIGINT',
    't VARCHAR',
    'd DECIMAL(10,2)',
    's BIGINT',
    'at TIMESTAMP WITH TIME ZONE',
  ])
  const sum = await connection.runAndReadAll(
    `SELECT count(*), sum(n), min(s) FROM read_parquet('${parquet}')`,
  )
  expect(sum.getRows()[0]!.map(Number)).toEqual([3000, 4501500, 4501500])
  connection.closeSync()
  instance.closeSync()
})

test('dead letters by reason, and what a repair would make of them, with nothing changed', async () => {
  const page = await open('dead-letters')
  const row = page.locator('tbody tr', { hasText: 'expected an integer' })
  await row.waitFor()
  expect((await row.locator('td').allTextContents()).slice(0, 4)).toEqual([
    'type',
    'cost',
    'purchase_sword',
    '3',
  ])
  await row.getByRole('button').click()
  await page.locator('.letters li').nth(2).waitFor()
  expect(await page.locator('.letters pre').first().textContent()).toContain('"cost": "12"')

  // A preview reads what has landed.
  await until('the letters to land', async () => {
    const [found] = await game.running.query('SELECT sum(landed + dead) AS done FROM ledger')
    const [all] = await game.running.query('SELECT sum(accepted) AS accepted FROM ledger')
    return found!['done'] === all!['accepted']
  })
  const preview = page.getByRole('button', { name: 'Preview' })
  await preview.click()
  await page.getByText('3 letters: 0 would heal, 3 would remain.').waitFor()
  await page.getByLabel('Repair', { exact: true }).selectOption('prices.repair.ts')
  await preview.click()
  await page.getByText('3 letters: 3 would heal, 0 would remain.').waitFor()
  expect(await page.locator('.after').first().textContent()).toContain('"cost":10')
  const healed = await game.running.query("SELECT count(*) AS n FROM events WHERE event_id LIKE 'healed:%'")
  expect(healed).toEqual([{ n: 0 }])
})

test('more reasons than are shown are counted all the same', async () => {
  const unknown = Array.from({ length: 120 }, (_, i) => ({ event_type: `unknown_${i}` }))
  expect((await sendEvents(game.running, unknown)).ok).toBe(true)
  const [letters] = await game.running.query('SELECT count(*) AS n FROM dead_letters')
  const page = await open('dead-letters')
  await page.getByText(`${String(letters!['n'])} events did not fit the plan.`).waitFor()
  await page.getByText('The 100 reasons with the most letters are shown.').waitFor()
  expect(await page.locator('tbody tr').count()).toBe(100)
})

test('a funnel, retention, sessions and top values, each with the SQL behind it', async () => {
  const page = await open('analyse')
  const show = async () => {
    await page.getByRole('button', { name: 'Show' }).click()
    await page.locator('[role="status"]', { hasText: /\d rows? in/ }).waitFor()
    return page
      .locator('.answer > .scroll tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)),
      )
  }
  await page.getByLabel('Step 1').selectOption('default')
  await page.getByLabel('Step 2').selectOption('purchase_sword')
  await page.getByLabel('Step 3').selectOption('purchase_shield')
  const steps = await show()
  // Each player goes one route less far than the one before.
  expect(steps.map((row) => row.slice(1, 4))).toEqual([
    ['default', '5', '100.0 %'],
    ['purchase_sword', '5', '100.0 %'],
    ['purchase_shield', '4', '80.0 %'],
  ])
  expect(await page.locator('.answer-chart rect').count()).toBe(3)
  await page.getByText('The SQL behind it').click()
  const sql = await page.locator('details.sql pre').textContent()
  expect((await game.running.query(sql!)).map(({ subjects }) => subjects)).toEqual([5, 5, 4])

  for (const [kind, title] of [
    ['retention', 'Retention'],
    ['sessions', 'Sessions'],
    ['active', 'Active persons'],
    ['paths', 'Paths'],
    ['top', 'Top values'],
    ['revenue', 'Revenue per person'],
    ['percentiles', 'Percentiles'],
  ]) {
    await page.getByLabel('Question').selectOption(kind!)
    expect(await page.locator('.analysis option:checked').first().textContent()).toBe(title)
    expect((await show()).length).toBeGreaterThan(0)
  }
  await page.getByLabel('Question').selectOption('top')
  const top = await show()
  expect(top.map(([label]) => label).toSorted()).toEqual([
    'default',
    'join_guild',
    'leave_guild',
    'purchase_shield',
    'purchase_sword',
  ])
  await page.getByText('The SQL behind it').click()
  await page.getByRole('link', { name: 'Open in SQL' }).click()
  await page.locator('.note', { hasText: '5 rows in' }).waitFor()
})

test('with a token the browser signs in, and streams, questions and files go with it; a page that is open delays no stop', async () => {
  await using own = await startGame({ LANDFALL_SQL_TOKEN: 'a-token-of-the-tests' })
  const { running } = own
  await using context = await browser.newContext({
    httpCredentials: { username: 'anybody', password: 'a-token-of-the-tests' },
  })
  opened = await openPage(context, `${running.sql}/#/sql`)
  const { page } = opened
  await page.getByLabel('SQL statement').fill('SELECT 1 AS one')
  await page.keyboard.press('Control+Enter')
  await page.locator('.note', { hasText: '1 row in' }).waitFor()
  await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()])
  await page.goto(`${running.sql}/#/flow`)
  await page.getByText('Everything is in order.').waitFor()
  expectNoComplaints(opened)
  expect(await running.stop()).toBe(0)
  await page.getByText('Connection lost, trying again').waitFor()
  opened.complaints.splice(0)
})
