/**
 * A load at a given rate: requests of some paths in turn, over some connections, so many per second whatever the answers take
 * (a connection that is still waiting is passed over; when all wait, the rate is missed and the shortfall shows in `sent`).
 */
import { Agent, request } from 'node:http'
import { childSettings, serve } from './serve.ts'

export interface PacedSettings {
  url: string
  paths: string[]
  perSecond: number
  connections: number
}

export interface PacedCounts {
  /** Answers with 2xx, by the index of their path. */
  answered: number[]
  /** Other answers and broken connections, with the first reasons. */
  failed: number
  failures: string[]
  slowestMs: number
}

const { url, paths, perSecond, connections } = childSettings<PacedSettings>()
const { hostname, port } = new URL(url)
const agent = new Agent({ keepAlive: true, maxSockets: connections })
const counts: PacedCounts = { answered: paths.map(() => 0), failed: 0, failures: [], slowestMs: 0 }
const begun = performance.now()
let underWay = 0
let sent = 0
let stopped = false
let idle: (() => void) | undefined

const timer = setInterval(() => {
  const due = ((performance.now() - begun) / 1000) * perSecond
  while (sent < due && underWay < connections) send(sent++ % paths.length)
}, 2)

function send(index: number): void {
  underWay += 1
  const sentAt = performance.now()
  const options = {
    agent,
    hostname,
    port,
    path: paths[index]!,
    headers: { 'User-Agent': 'soak', Accept: '*/*' },
  }
  const done = (failure?: string) => {
    underWay -= 1
    counts.slowestMs = Math.max(counts.slowestMs, performance.now() - sentAt)
    if (failure === undefined) counts.answered[index]! += 1
    else {
      counts.failed += 1
      if (counts.failures.length < 20) counts.failures.push(failure)
    }
    if (stopped && underWay === 0) idle?.()
  }
  const outgoing = request(options, (response) => {
    response.resume()
    response.on('end', () =>
      done(response.statusCode === 200 ? undefined : `${paths[index]}: status ${response.statusCode}`),
    )
  })
  outgoing.on('error', (error) => done(`${paths[index]}: ${error.message}`))
  outgoing.end()
}

/** Ends the load and waits for the answers under way. */
async function stop(): Promise<void> {
  clearInterval(timer)
  stopped = true
  if (underWay > 0) await new Promise<void>((resolve) => (idle = resolve))
}

await serve<{ do: 'count' | 'stop' }, PacedCounts>(
  counts,
  async (message) => {
    if (message.do === 'stop') await stop()
    return counts
  },
  stop,
)
