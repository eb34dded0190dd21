import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { projectRoot, type Running, startLandfall, temporaryFolder, wait } from '../support/landfall.ts'

const CHROMIUM = process.env['LANDFALL_CHROMIUM'] ?? '/usr/bin/chromium'

/** Why tests with a real browser cannot run here; undefined when they can. */
export function browserMissing(): string | undefined {
  const there = existsSync(CHROMIUM) && spawnSync(CHROMIUM, ['--version'], { timeout: 30_000 }).status === 0
  return there ? undefined : 'chromium is not installed (Debian: chromium; elsewhere: LANDFALL_CHROMIUM=PATH)'
}

export function openBrowser(): Promise<Browser> {
  // Chromium refuses its own sandbox to root, which is who runs tests in containers.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath: CHROMIUM, args })
}

export interface Game extends AsyncDisposable {
  running: Running
  /** Where the pipeline file is, with repairs beside it. */
  folder: string
}

/** A pipeline and a browser for all tests of a file, which are skipped where there is no browser. */
export function beforeAllOpen(ready: (opened: { browser: Browser; game: Game }) => Promise<void>): void {
  const missing = browserMissing()
  let browser: Browser | undefined
  let game: Game | undefined
  beforeAll(async () => {
    if (missing) return
    game = await startGame()
    browser = await openBrowser()
    await ready({ browser, game })
  })
  afterAll(async () => {
    await browser?.close()
    await game?.[Symbol.asyncDispose]()
  })
  beforeEach(({ skip }) => {
    if (missing) skip(missing)
  })
}

const REPAIR = `import { defineRepair } from 'landfall'
export default defineRepair((event, letter) =>
  letter.field === 'cost' ? { ...event, cost: Number(event.cost) } : undefined,
)
`

/** An example in a folder of its own, with two repairs: one that mends prices, one that never ends. */
export async function startGame(env: NodeJS.ProcessEnv = {}, example = 'game'): Promise<Game> {
  const folder = temporaryFolder()
  cpSync(join(projectRoot, 'examples', example), folder, { recursive: true })
  writeFileSync(join(folder, 'prices.repair.ts'), REPAIR)
  mkdirSync(join(folder, 'repairs'))
  writeFileSync(join(folder, 'repairs', 'endless.ts'), 'for (;;);\n')
  const running = await startLandfall(join(folder, 'pipeline.ts'), { env })
  return {
    running,
    folder,
    async [Symbol.asyncDispose]() {
      await running.stop()
      for (const path of [folder, running.data]) rmSync(path, { recursive: true, force: true })
    },
  }
}

const HOSTS = ['ann.example', 'bob.example', 'cleo.example', 'dan.example', 'eve.example']
const ROUTES = [
  '/',
  '/purchase_a_sword/sabre',
  '/join_guild/grubs',
  '/purchase_a_shield/mirror_shield',
  '/purchase_a_sword/katana',
  '/join_guild/house_stark',
  '/leave_guild/grubs',
]
const agent = new Agent({ keepAlive: true, maxSockets: 4 })

/** One player's request; resolves with the status. */
export function play(game: Running, path: string, host = HOSTS[0]!): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${game.http}${path}`,
      { agent, headers: { Host: host, 'User-Agent': 'game/1.0' } },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode!))
      },
    )
    sent.on('error', reject)
    sent.end()
  })
}

/** Players who each go less far than the one before, so that a funnel has something to show. */
export async function playRounds(game: Running, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const [i, host] of HOSTS.entries())
      for (const path of ROUTES.slice(0, ROUTES.length - i)) await play(game, path, host)
}

/** Events that do not fit the plan: two kinds of dead letters. */
export async function sendBadEvents(game: Running, count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    await sendEvents(game, [
      { event_type: 'purchase_sword', type: 'sabre', cost: String(10 + i) },
      { event_type: 'join_guild', guild_name: 'grubs' },
    ])
}

export async function sendEvents(game: Running, events: readonly unknown[]): Promise<Response> {
  return fetch(`${game.http}/v1/events`, { method: 'POST', body: JSON.stringify(events) })
}

/** Keeps events coming until it is disposed of. */
export function keepPlaying(game: Running, pauseMs = 20): AsyncDisposable {
  let over = false
  const playing = (async () => {
    for (let i = 0; !over; i++) {
      // The door may be one that a test has killed.
      const host = i % HOSTS.length
      await play(game, ROUTES[i % (ROUTES.length - host)]!, HOSTS[host]!).catch(() => {})
      await wait(pauseMs)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      over = true
      await playing
    },
  }
}

export interface Opened {
  page: Page
  /** What the browser complained of. */
  complaints: string[]
}

/** A page whose complaints are gathered; none may be left in the end. */
export async function openPage(context: Browser | BrowserContext, url: string): Promise<Opened> {
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(url)
  return { page, complaints }
}

/** Text of the picture's stage: `Door`, `Log`, `Lander`, `Lake`, `SQL`. */
export function stageOf(page: Page, title: string) {
  return page.locator('.flow-picture .stage', { has: page.locator('.title', { hasText: title }) })
}

/** Where screenshots for the documentation go, when they are wanted. */
export const screenshots =
  process.env['LANDFALL_SCREENSHOTS'] === '1' ? join(projectRoot, 'docs/images/dashboard') : undefined

const PICTURE_BYTES_MAX = 150_000

export async function screenshot(page: Page, name: string): Promise<void> {
  if (screenshots === undefined) return
  mkdirSync(screenshots, { recursive: true })
  const path = join(screenshots, `${name}.png`)
  const { width, height } = page.viewportSize()!
  // Whole rows of a table, and no more bytes than a page of the guide may have.
  const clip = { x: 0, y: 0, width, height: Math.min(height, width > 1000 ? 690 : 844) }
  const picture = await page.screenshot({ path, clip, animations: 'disabled', caret: 'hide' })
  expect(`${name}: ${picture.length < PICTURE_BYTES_MAX ? 'small' : picture.length}`).toBe(`${name}: small`)
}

export function expectNoComplaints({ complaints }: Opened): void {
  expect(complaints).toEqual([])
}
