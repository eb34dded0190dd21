/**
 * Run by quit.test.ts in a process of its own (`--experimental-vm-modules`): loads the client into a realm that has what a
 * page has and nothing of Node's, tracks three events, hides the page, and prints what happened as JSON.
 */
import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { createContext, SourceTextModule } from 'node:vm'

const [url, ending] = process.argv.slice(2)
const page = new EventTarget()
const document = { visibilityState: 'visible' }
const beacons: { url: string; body: Blob }[] = []
const timers = new Map<number, NodeJS.Timeout>()

const realm = createContext({
  document,
  addEventListener: page.addEventListener.bind(page),
  removeEventListener: page.removeEventListener.bind(page),
  navigator: {
    sendBeacon(address: string, body: Blob) {
      if (ending === 'beacon') beacons.push({ url: address, body })
      return ending === 'beacon'
    },
  },
  // A page's timers are numbers.
  setTimeout(work: () => void, ms: number) {
    const id = timers.size + 1
    timers.set(id, setTimeout(work, ms))
    return id
  },
  clearTimeout: (id: number) => clearTimeout(timers.get(id)),
  fetch,
  crypto,
  performance,
  URL,
  AbortController,
  TextEncoder,
  Blob,
})

const loaded = new Map<string, SourceTextModule>()

async function load(file: URL): Promise<SourceTextModule> {
  const source = stripTypeScriptTypes(await readFile(file, 'utf8'))
  const module =
    loaded.get(file.href) ?? new SourceTextModule(source, { context: realm, identifier: file.href })
  loaded.set(file.href, module)
  return module
}

const client = await load(new URL('../../src/client/client.ts', import.meta.url))
await client.link((path, from) => load(new URL(path, from.identifier)))
await client.evaluate()
const { createTracker } = client.namespace as typeof import('../../src/client/client.ts')

const tracker = createTracker({ url: url!, writeKey: 'public-1', lingerMs: 60_000 })
for (let i = 0; i < 3; i++) void tracker.track('jump', { height: i })
document.visibilityState = 'hidden'
page.dispatchEvent(new Event('visibilitychange'))
const sent = await Promise.all(
  beacons.map(async ({ url, body }) => ({ url, type: body.type, text: await body.text() })),
)
const before = tracker.stats()
// The page lives on: what went out as a beacon is sent again, with the same ids.
await tracker.close({ timeoutMs: 5_000 })
page.dispatchEvent(new Event('pagehide'))
process.stdout.write(JSON.stringify({ beacons: sent, after: beacons.length, before, stats: tracker.stats() }))
