import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { type LogFiles, nodeFiles } from '../../src/log/drivers/embedded/files.ts'
import { directory, game, opened, stored } from '../collector/support.ts'

// A disk that takes 20 ms for each sync, and a log that keeps at most 64 KiB waiting: about four requests of 16 KiB at a time are what it
// can take. 160 clients send without a pause, 40 times as many. What was answered with success is in the log, once; everything else waited for
// a moment, was told to come back later, and is not.

const CLIENTS = 160
const REQUESTS_OF_EACH = 5
const EVENTS = 100
const QUEUED_MAX = 64 * 1024
const BUFFERED_MAX = 1024 * 1024
/** Shorter than it takes until all clients have had their turn. */
const LOG_WAIT_MS = 100
const NOTE = 'x'.repeat(120)

const slowFiles: LogFiles = {
  ...nodeFiles,
  datasync: (fd, done) => void setTimeout(() => nodeFiles.datasync(fd, done), 20),
}

interface Said {
  status: number
  retryAfter: string | undefined
}

function post(address: string, agent: Agent, body: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/x-ndjson', 'Content-Length': Buffer.byteLength(body) }
    const sent = request(`${address}/v1/events`, { method: 'POST', agent, headers }, (answer) => {
      answer.resume()
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, retryAfter: answer.headers['retry-after'] }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

test('40 times the load that the disk can take: nothing answered is lost, the rest is 503, memory is bounded', {
  timeout: 300_000,
}, async () => {
  const log = await openEmbeddedLog({ directory: directory(), files: slowFiles, queuedBytesMax: QUEUED_MAX })
  onTestFinished(() => log[Symbol.asyncDispose]())
  const { collector } = await opened(game, {
    log,
    settings: { bufferedBytesMax: BUFFERED_MAX, logWaitMs: LOG_WAIT_MS },
  })
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  onTestFinished(() => agent.destroy())

  const answered: string[] = []
  const refused: string[] = []
  const others = new Map<string, number>()
  let queuedMost = 0
  const watch = setInterval(() => (queuedMost = Math.max(queuedMost, log.pressure.queuedBytes)), 1)
  const client = async (number: number) => {
    for (let i = 0; i < REQUESTS_OF_EACH; i++) {
      const ids = Array.from({ length: EVENTS }, (_, n) => `${number}-${i}-${n}`)
      const lines = ids.map((event_id) => JSON.stringify({ event_id, event_type: 'default', note: NOTE }))
      const { status, retryAfter } = await post(collector.address, agent, `${lines.join('\n')}\n`)
      if (status === 200) answered.push(...ids)
      else if (status === 503 && retryAfter === '1') refused.push(...ids)
      else others.set(`${status} ${retryAfter}`, (others.get(`${status} ${retryAfter}`) ?? 0) + 1)
    }
  }
  try {
    await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
  } finally {
    clearInterval(watch)
  }

  expect([...others]).toEqual([])
  expect(answered.length).toBeGreaterThan(0)
  expect(refused.length).toBeGreaterThan(0)
  expect(queuedMost).toBeLessThanOrEqual(QUEUED_MAX)
  expect((await stored(log)).map(({ headers }) => headers['id']).sort()).toEqual(answered.toSorted())

  // Nothing is left of it: the next request finds its place.
  while (log.pressure.queuedBytes > 0) await sleep(5)
  expect(await post(collector.address, agent, '{"event_type":"default","event_id":"after"}')).toMatchObject({
    status: 200,
  })
  const metrics = await (await fetch(`${collector.address}/metrics`)).text()
  expect(metrics).toMatch(/^landfall_collector_buffered_bytes 0$/m)
})
