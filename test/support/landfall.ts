import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const projectRoot = resolve(import.meta.dirname, '../..')
const node = process.execPath
const landfall = join(projectRoot, 'bin', 'landfall.js')

/** What `landfall up` writes to `<data>/up.json` once it serves. */
interface UpFile {
  supervisor: number
  http: string
  sql: string
  processes: Record<'door' | 'lander' | 'query', number>
}

export interface Running {
  data: string
  http: string
  sql: string
  child: ChildProcess
  /** Everything the tree wrote to stdout and stderr so far. */
  output(): string
  /** Process ids as of now. */
  up(): UpFile
  query(sql: string): Promise<Record<string, unknown>[]>
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'landfall-test-'))
}

export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until `check` returns something other than undefined or false; throws with `what` after `ms`. */
export async function until<T>(
  what: string,
  check: () => T | Promise<T>,
  ms = 20_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + ms
  for (;;) {
    const value = await check()
    if (value !== undefined && value !== false && value !== null) return value as NonNullable<T>
    if (performance.now() > end) throw new Error(`waited ${ms} ms for ${what}`)
    await wait(20)
  }
}

/** Supervisors of this test process: none outlives it, whatever an assertion did. Their stages leave by themselves. */
const started = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})

/** Starts `landfall up` with free ports and waits until door and SQL answer. */
export async function startLandfall(
  pipeline: string,
  options: {
    data?: string
    args?: string[]
    http?: string
    sql?: string
    env?: NodeJS.ProcessEnv
    readyMs?: number
  } = {},
): Promise<Running> {
  const data = options.data ?? temporaryFolder()
  const upFile = join(data, 'up.json')
  rmSync(upFile, { force: true })
  const ports = ['--http', options.http ?? '127.0.0.1:0', '--sql', options.sql ?? '127.0.0.1:0']
  const child = spawn(
    node,
    [landfall, 'up', resolve(projectRoot, pipeline), '--data', data, ...ports, ...(options.args ?? [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    },
  )
  started.add(child)
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => void (output += chunk))
  const exited = new Promise<number | null>((done) =>
    child.once('exit', (code) => {
      started.delete(child)
      done(code)
    }),
  )
  const readUp = () => JSON.parse(readFileSync(upFile, 'utf8')) as UpFile
  try {
    await until(
      'landfall up to serve',
      async () => {
        if (child.exitCode !== null) throw new Error(`landfall up ended with ${child.exitCode}`)
        if (!existsSync(upFile)) return false
        const up = readUp()
        const ready = await Promise.all(
          [up.http, up.sql].map((url) => fetch(`${url}/healthz`).then((r) => r.ok)),
        )
        return ready.every(Boolean)
      },
      options.readyMs,
    )
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`${(error as Error).message}; it printed:\n${output}`, { cause: error })
  }
  const { http, sql } = readUp()
  return {
    data,
    http,
    sql,
    child,
    output: () => output,
    up: readUp,
    query: (statement) => querySql(sql, statement),
    stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      return exited
    },
  }
}

interface StatementPage {
  columns?: { name: string }[]
  data?: unknown[][]
  nextUri?: string
  error?: { message: string; errorName: string }
}

/** A statement over the Trino client protocol, as the smallest client would send it. */
export async function querySql(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const headers = { 'X-Trino-User': 'test' }
  let response = await fetch(`${url}/v1/statement`, { method: 'POST', body: statement, headers })
  const rows: unknown[][] = []
  let columns: { name: string }[] = []
  for (;;) {
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    const page = (await response.json()) as StatementPage
    if (page.error) throw new Error(`${page.error.errorName}: ${page.error.message}`)
    columns = page.columns ?? columns
    rows.push(...(page.data ?? []))
    if (!page.nextUri) break
    response = await fetch(page.nextUri, { headers })
  }
  return rows.map((row) => Object.fromEntries(row.map((value, index) => [columns[index]!.name, value])))
}
