/**
 * Where real engines rest between test runs: outside of HOME and of the checkout, so that a fresh clone does not fetch
 * a gigabyte again. `LANDFALL_ENGINES`, else `/var/cache/landfall-engines` where that can be written, else `.cache/engines`.
 *
 *   artifacts/<file>, <file>.ok        what Maven gave, and the stamp of its last full check
 *   unpacked/<name>-<hash>/            made from artifacts; complete when `ready` stands in it
 *   maven/                             Maven's own plugins
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { waitForDirectoryLock } from '../../src/base/lock.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** A gigabyte over a slow line. */
const FETCH_MAX_MS = 30 * 60_000

export function engineCache(): string {
  const directory = process.env['LANDFALL_ENGINES'] || '/var/cache/landfall-engines'
  try {
    mkdirSync(directory, { recursive: true })
    accessSync(directory, constants.W_OK)
    return directory
  } catch {
    // Not ours to write: the project has a place of its own.
  }
  const own = join(ROOT, '.cache/engines')
  mkdirSync(own, { recursive: true })
  return own
}

/** Runs `work` while no other process changes the cache. */
export async function withCache<T>(work: (cache: string) => Promise<T>): Promise<T> {
  const cache = engineCache()
  const lock = await waitForDirectoryLock(cache, 'the cache of engines', FETCH_MAX_MS)
  try {
    return await work(cache)
  } finally {
    lock.release()
  }
}

/** Runs a program to its end; while it takes long, says every ten seconds that it does. Rejects with what it complained. */
export function execute(what: string, command: string, args: readonly string[]): Promise<string> {
  return new Promise((done, reject) => {
    const started = performance.now()
    const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const progress = setInterval(() => {
      const seconds = Math.round((performance.now() - started) / 1000)
      process.stderr.write(`engines for tests: ${what}, ${seconds} s\n`)
    }, 10_000)
    let [out, err] = ['', '']
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.on('error', (error) => {
      clearInterval(progress)
      reject(error)
    })
    child.on('close', (code) => {
      clearInterval(progress)
      if (code === 0) done(out)
      else reject(new Error(`${what}: ${command} ended with ${code}: ${lastWords(`${out}\n${err}`)}`))
    })
  })
}

function lastWords(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return (lines.find((line) => line.includes('ERROR')) ?? lines.at(-1) ?? 'it said nothing').slice(0, 500)
}
