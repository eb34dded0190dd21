import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** `landfall up` as a user starts it, in a process of its own. */
export interface LandfallUp {
  http: string
  sql: string
  process: ChildProcess
  /** What it wrote to stderr, line by line. */
  notes: string[]
  /** SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>
}

/** Starts it and returns at once: whoever needs it serving waits for that. */
export async function startLandfallUp(pipeline: string, data: string): Promise<LandfallUp> {
  const [http, sql] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  const args = [
    join(root, 'bin', 'landfall.js'),
    'up',
    join(root, pipeline),
    '--data',
    data,
    '--http',
    http,
    '--sql',
    sql,
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const notes: string[] = []
  child.stderr.on('data', (chunk: Buffer) =>
    notes.push(
      ...chunk
        .toString()
        .split('\n')
        .filter((line) => line !== ''),
    ),
  )
  return {
    http: `http://${http}`,
    sql: `http://${sql}`,
    process: child,
    notes,
    stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      return ended
    },
  }
}

/** Tries until `attempt` gives something else than undefined; a failure counts as nothing yet. */
export async function untilServing<T>(
  up: LandfallUp,
  what: string,
  attempt: () => Promise<T | undefined>,
  timeoutMs = 30_000,
): Promise<T> {
  for (const until = performance.now() + timeoutMs; ; ) {
    const value = await attempt().catch(() => undefined)
    if (value !== undefined) return value
    if (up.process.exitCode !== null || performance.now() > until)
      throw new Error(`${what}: landfall up said\n${up.notes.join('\n')}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
