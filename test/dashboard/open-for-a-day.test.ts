import type { Browser, CDPSession, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { Flow } from '../../src/dashboard/messages.ts'
import { beforeAllOpen, type Game, playRounds } from './support.ts'

// A page that is open for a day: its clock runs ahead, and its streams are played to it as fast as it takes them. The messages are
// those of the real server, with other figures.

let browser: Browser
let game: Game

beforeAllOpen(async (opened) => {
  ;({ browser, game } = opened)
  await playRounds(game.running, 2)
})

/** In the page: streams that the test plays. */
const PLAYED_STREAMS = `
  globalThis.streams = []
  globalThis.EventSource = class extends EventTarget {
    static CLOSED = 2
    readyState = 1
    constructor(url) { super(); this.url = url; globalThis.streams.push(this) }
    close() { this.readyState = 2; globalThis.streams = globalThis.streams.filter((one) => one !== this) }
  }
`

async function flowOf(url: string): Promise<Flow> {
  const answer = await fetch(`${url}/ui/api/flow`)
  let text = ''
  for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += part
    const found = /event: flow\ndata: (.*)\n\n/.exec(text)
    if (found) return JSON.parse(found[1]!) as Flow
  }
  throw new Error('the stream ended without a picture')
}

/** DOM nodes and bytes of the heap, after garbage was collected. */
async function sizeOf(session: CDPSession): Promise<{ nodes: number; heap: number }> {
  for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage')
  const { metrics } = await session.send('Performance.getMetrics')
  const of = (name: string) => metrics.find((one) => one.name === name)!.value
  return { nodes: of('Nodes'), heap: of('JSHeapUsedSize') }
}

async function openPlayed(route: string): Promise<{ page: Page; session: CDPSession }> {
  const page = await browser.newPage()
  await page.clock.install()
  await page.addInitScript(PLAYED_STREAMS)
  await page.goto(`${game.running.sql}/#/${route}`)
  await page.waitForFunction('globalThis.streams.length === 1')
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  return { page, session }
}

/** Ten minutes of the page's life: 600 messages, made in the page from a real one, and its timers. */
async function tenMinutes(page: Page, event: string, change: string): Promise<void> {
  await page.evaluate(`(() => {
    for (let i = 0; i < 600; i++) {
      globalThis.second = (globalThis.second ?? 0) + 1
      const data = JSON.stringify((${change})(globalThis.second))
      globalThis.streams[0].dispatchEvent(Object.assign(new Event('${event}'), { data }))
    }
  })()`)
  await page.clock.fastForward(600_000)
}

async function play(page: Page, times: number, event: string, change: string): Promise<void> {
  for (let i = 0; i < times; i++) await tenMinutes(page, event, change)
}

test('the flow, open for 24 hours with an event every second, does not grow', async () => {
  const flow = await flowOf(game.running.sql)
  const { page, session } = await openPlayed('flow')
  const change = `(second) => {
    const flow = globalThis.flow ??= ${JSON.stringify(flow)}
    const at = Date.now() - 600_000 + (second % 600) * 1000
    if (second % 10 === 0) flow.commits.push({ batch: second / 10, from: at - 10_000, to: at, landed: 380, dead: second % 3, duplicate: 1 })
    if (flow.commits.length > 30) flow.commits.shift()
    const wrong = second % 600 < 30
    return {
      ...flow,
      door: { ...flow.door, rate: second % 97, refused: second, refusals: [{ reason: 'collector/not-found', status: 404, count: second }] },
      log: { ...flow.log, records: second * 38, end: second * 38 },
      lander: { ...flow.lander, pending: second % 400, batch: Math.floor(second / 10), pendingS: second % 11 },
      ledger: { ...flow.ledger, accepted: second * 38, landed: second * 37, pending: second },
      problems: wrong ? [{ stage: 'sql', level: 'bad', text: 'SQL is ' + second + ' s behind the log', hint: 'x' }] : [],
      levels: { ...flow.levels, sql: wrong ? 'bad' : 'ok' },
    }
  }`
  await play(page, 6, 'flow', change)
  const before = await sizeOf(session)
  await play(page, 138, 'flow', change)
  const after = await sizeOf(session)
  expect(await page.evaluate('globalThis.second')).toBe(86_400)
  expect(await page.locator('.sum dd').first().textContent()).toBe((86_400 * 38).toLocaleString('en'))
  console.log(`24 h of the flow: ${JSON.stringify(before)} → ${JSON.stringify(after)}`)
  expect(after.nodes).toBeLessThan(before.nodes * 1.2 + 100)
  expect(after.heap).toBeLessThan(before.heap * 1.2 + 1_000_000)
  await page.close()
}, 300_000)

test('the live tail keeps to its bound, however many events come', async () => {
  const { page, session } = await openPlayed('live')
  const change = `(second) => ({
    skipped: 3,
    events: Array.from({ length: 10 }, (_, i) => {
      const offset = second * 10 + i
      const text = JSON.stringify({ event_type: 'join_guild', guild_name: 'guild ' + offset, pad: 'x'.repeat(300) })
      return { partition: 0, offset, at: 1_800_000_000_000 + offset, id: 'id-' + offset, type: 'join_guild', text }
    }),
  })`
  await play(page, 1, 'events', change)
  const before = await sizeOf(session)
  await play(page, 10, 'events', change)
  const after = await sizeOf(session)
  console.log(`66,000 events: ${JSON.stringify(before)} → ${JSON.stringify(after)}`)
  expect(await page.locator('.events li').count()).toBe(200)
  expect(await page.locator('.events li').first().textContent()).toContain('guild 66009')
  expect(after.nodes).toBeLessThan(before.nodes * 1.2 + 100)
  expect(after.heap).toBeLessThan(before.heap * 1.2 + 1_000_000)
  await page.close()
}, 300_000)
