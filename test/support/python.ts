/**
 * Python for tests: independent readers (pyiceberg, DuckDB's iceberg extension, clients of query engines). One virtual
 * environment below the project, `.cache/python/<hash of requirements.txt>`, made once and shared by all test files;
 * several may start it at the same time.
 *
 *   const python = await findPython()
 *   test('…', async ({ skip }) => {
 *     if ('missing' in python) return skip(python.missing)
 *     const answer = await python.runJson('read_table.py', [location], request)
 *   })
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DuckDBConnection } from '@duckdb/node-api'
import { waitForDirectoryLock } from '../../src/base/lock.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
const ROOT = join(HERE, '../..')
const CACHE = join(ROOT, '.cache/python')
const REQUIREMENTS = join(HERE, 'requirements.txt')
const SCRIPTS = join(ROOT, 'test/python')
/** A failure to install is not tried again by every test file. */
const FAILURE_KEPT_MS = 5 * 60_000
const INSTALL_MAX_MS = 10 * 60_000

export interface Python {
  executable: string
  sitePackages: string
  /** Runs a script of test/python; resolves with what it printed, rejects with what it complained. */
  run(script: string, args?: readonly string[], input?: string): Promise<string>
  /** The same, with JSON in and out. */
  runJson(script: string, args: readonly string[], input: unknown): Promise<unknown>
}

/** The environment, or why there is none. */
export async function findPython(): Promise<Python | { missing: string }> {
  const hash = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)
  const venv = join(CACHE, hash)
  if (!existsSync(join(venv, 'ready'))) {
    mkdirSync(CACHE, { recursive: true })
    const lock = await waitForDirectoryLock(CACHE, 'the Python environment of the tests', INSTALL_MAX_MS)
    try {
      const missing = await install(venv)
      if (missing !== undefined) return { missing }
    } finally {
      lock.release()
    }
  }
  return describe(venv)
}

async function install(venv: string): Promise<string | undefined> {
  if (existsSync(join(venv, 'ready'))) return undefined
  const failure = `${venv}.failed`
  if (existsSync(failure) && Date.now() - statSync(failure).mtimeMs < FAILURE_KEPT_MS) {
    return readFileSync(failure, 'utf8')
  }
  rmSync(venv, { recursive: true, force: true })
  try {
    await execute('python3', ['-m', 'venv', venv])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]
    await execute(join(venv, 'bin/python'), pip)
    rmSync(failure, { force: true })
    writeFileSync(join(venv, 'ready'), '')
    return undefined
  } catch (error) {
    const lines = (error as Error).message.trim().split('\n')
    const reason = `no Python environment for independent readers: ${lines.at(-1)} (it needs python3 with venv and test/support/requirements.txt from PyPI)`
    rmSync(venv, { recursive: true, force: true })
    writeFileSync(failure, reason)
    return reason
  }
}

function describe(venv: string): Python {
  const executable = join(venv, 'bin/python')
  const version = readdirSync(join(venv, 'lib')).find((name) => name.startsWith('python'))!
  const run = (script: string, args: readonly string[] = [], input = '') =>
    execute(executable, [join(SCRIPTS, script), ...args], input)
  return {
    executable,
    sitePackages: join(venv, 'lib', version, 'site-packages'),
    run,
    runJson: async (script, args, input) =>
      JSON.parse(await run(script, args, JSON.stringify(input))) as unknown,
  }
}

function execute(command: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(out)
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${err || out}`))
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/**
 * Loads DuckDB's own iceberg reader (extension wheels of the same version as @duckdb/node-api); it attaches to catalogs by
 * `httpfs`.
 */
export async function loadIcebergExtension(connection: DuckDBConnection, python: Python): Promise<void> {
  const version = (await connection.runAndReadAll('SELECT version()')).getRows()[0]![0] as string
  for (const name of ['httpfs', 'avro', 'iceberg']) {
    const file = join(
      python.sitePackages,
      `duckdb_extension_${name}/extensions/${version}/${name}.duckdb_extension`,
    )
    await connection.run(`LOAD '${file}'`)
  }
}
