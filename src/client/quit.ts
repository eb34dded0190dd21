import type { PendingEvent } from './pending.ts'
import type { TrackerStats } from './tally.ts'
import { ndjson } from './transport.ts'

/** What is needed of a tracker at the end of a page or a process. */
export interface Quitting {
  unsettled(bytesMax: number): PendingEvent[]
  flush(options: { timeoutMs: number }): Promise<TrackerStats>
}

export interface QuitSettings {
  url: string
  writeKey: string | undefined
  quitTimeoutMs: number
}

/** Browsers let a page that goes away send 64 KiB in all, of every beacon and keepalive request under way. */
const BEACON_BYTES_MAX = 60 * 1024

interface Page {
  document: { visibilityState: string }
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
  navigator?: { sendBeacon?(url: string, body: Blob): boolean }
}

interface NodeProcess {
  pid: number
  on(event: string, listener: (...args: never[]) => void): void
  removeListener(event: string, listener: (...args: never[]) => void): void
  listenerCount(event: string): number
  kill(pid: number, signal: string): void
}

export function isPage(): boolean {
  return typeof (globalThis as { document?: unknown }).document === 'object'
}

/** Sends what is left when the page or the process ends; returns what takes the hooks away again. */
export function flushAtQuit(tracker: Quitting, settings: QuitSettings): () => void {
  if (isPage()) return flushAtPageHide(globalThis as unknown as Page, tracker, settings)
  const { process } = globalThis as unknown as { process?: NodeProcess }
  return process === undefined ? () => {} : flushAtExit(process, tracker, settings)
}

/**
 * A page that is hidden may never run again, so all that is unsettled goes out as a beacon. A beacon has no answer: the events
 * stay queued, and if the page lives on they are sent again with the same ids and count once.
 */
function flushAtPageHide(page: Page, tracker: Quitting, settings: QuitSettings): () => void {
  const onHide = () => {
    const events = tracker.unsettled(BEACON_BYTES_MAX)
    if (events.length > 0) sendBeacon(page, settings, ndjson(events))
  }
  const onVisibility = () => {
    if (page.document.visibilityState === 'hidden') onHide()
  }
  page.addEventListener('pagehide', onHide)
  page.addEventListener('visibilitychange', onVisibility)
  return () => {
    page.removeEventListener('pagehide', onHide)
    page.removeEventListener('visibilitychange', onVisibility)
  }
}

/** text/plain needs no CORS preflight, for which a page that goes away has no time; the public key goes into the query. */
function sendBeacon(page: Page, settings: QuitSettings, body: string): void {
  const url =
    settings.writeKey === undefined
      ? settings.url
      : `${settings.url}?key=${encodeURIComponent(settings.writeKey)}`
  const type = 'text/plain;charset=UTF-8'
  if (page.navigator?.sendBeacon?.(url, new Blob([body], { type })) === true) return
  const options = { method: 'POST', body, keepalive: true, headers: { 'content-type': type } }
  void globalThis.fetch(url, options).catch(() => {})
}

/** Neither hook keeps a process alive: listeners for signals do not, and `beforeExit` comes when nothing else does. */
function flushAtExit(process: NodeProcess, tracker: Quitting, settings: QuitSettings): () => void {
  const flush = () => tracker.flush({ timeoutMs: settings.quitTimeoutMs })
  const onBeforeExit = () => {
    // `beforeExit` comes again after the work that it starts: once is enough, or an unreachable collector would hold us for ever.
    process.removeListener('beforeExit', onBeforeExit)
    void flush()
  }
  const onSignal = (signal: string) => {
    remove()
    // A listener takes the default away (to end the process), so it is given back, unless the application has its own.
    const alone = process.listenerCount(signal) === 0
    void flush().then(() => {
      if (alone) process.kill(process.pid, signal)
    })
  }
  const remove = () => {
    process.removeListener('beforeExit', onBeforeExit)
    for (const signal of SIGNALS) process.removeListener(signal, onSignal)
  }
  process.on('beforeExit', onBeforeExit)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return remove
}

const SIGNALS = ['SIGTERM', 'SIGINT']
