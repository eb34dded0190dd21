import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Collector, type CollectorOptions, openCollector } from '../../src/collector/collector.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import type { EventLog, LogReader } from '../../src/log/log.ts'
import type { Pipeline } from '../../src/model/definition.ts'
import { game } from './game.ts'

export { game }

export interface Opened {
  collector: Collector
  log: EventLog
  /** What the operator was told. */
  told: string[]
  reasons: { event: string | null; reason: string; field: string | null; remedy: string }[]
  get(path: string, init?: RequestInit): Promise<Said>
  post(body: string | Uint8Array, headers?: Record<string, string>, query?: string): Promise<Said>
}

export interface Said {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes.
  json: any
}

export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'collector-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

// biome-ignore lint/suspicious/noExplicitAny: pipelines of all types.
export async function opened(
  pipeline: Pipeline<any, any> = game,
  options: Partial<CollectorOptions> = {},
): Promise<Opened> {
  const log = options.log ?? createMemoryLog()
  const told: string[] = []
  const reasons: Opened['reasons'] = []
  const say = (particulars: Record<string, unknown>, message: string) => {
    const error = particulars['err']
    told.push(error instanceof Error ? `${message}: ${error.message}` : message)
  }
  const collector = await openCollector({
    host: '127.0.0.1',
    port: 0,
    stateDirectory: options.stateDirectory ?? directory(),
    logger: { info: say, warn: say, error: say },
    onReason: (reason) => reasons.push(reason),
    ...options,
    pipeline,
    log,
  })
  onTestFinished(() => collector.close())
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(collector.address + path, init)
    const text = await response.text()
    const json = response.headers.get('content-type')?.startsWith('application/json')
      ? JSON.parse(text)
      : undefined
    return { status: response.status, headers: response.headers, text, json }
  }
  const post = (body: string | Uint8Array, headers: Record<string, string> = {}, query = '') =>
    get(`/v1/events${query}`, { method: 'POST', body: body as string, headers })
  return { collector, log, told, reasons, get, post }
}

export interface Stored {
  offset: number
  key: string | null
  value: string
  event: Record<string, unknown>
  headers: Record<string, string>
}

/** Everything that is durable. */
export async function stored(log: LogReader): Promise<Stored[]> {
  const all: Stored[] = []
  for await (const batch of log.read({ follow: false })) {
    for (const { offset, key, value, headers } of batch.records) {
      const text = value.toString()
      let event: Record<string, unknown> = {}
      try {
        event = JSON.parse(text) as Record<string, unknown>
      } catch {
        // Some tests store what is not JSON.
      }
      all.push({
        offset,
        key: key?.toString() ?? null,
        value: text,
        event,
        headers: Object.fromEntries(headers.map(([name, bytes]) => [name, bytes.toString()])),
      })
    }
  }
  return all
}

/** Sends bytes over a socket and returns what came back when the other side closes, or after `waitMs`. */
export function raw(address: string, bytes: string | Buffer, waitMs = 5_000): Promise<string> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let text = ''
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(text)
    }
    const timer = setTimeout(done, waitMs)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    socket.on('close', done)
    socket.on('error', (error) => (text === '' ? reject(error) : done()))
  })
}
