/**
 * Where real engines rest between test runs: outside of HOME and of the checkout, so that a fresh clone does not fetch
 * a gigabyte again. `LANDFALL_ENGINES`, else `/var/cache/landfall-engines` where that can be written, else `.cache/engines`.
 */
import { accessSync, constants } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeFolder } from '../../src/base/files.ts'
import { type EngineCache, openEngineCache, type Step } from '../../src/stack/cache.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SAY_EVERY_MS = 10_000

export function engineCache(): EngineCache {
  return openEngineCache(sayNowAndThen(), cacheDirectory())
}

function cacheDirectory(): string {
  // One that somebody named is used or is an error.
  if (process.env['LANDFALL_ENGINES']) return process.env['LANDFALL_ENGINES']
  const directory = '/var/cache/landfall-engines'
  try {
    makeFolder(directory)
    accessSync(directory, constants.W_OK)
    return directory
  } catch {
    // Not ours to write: the project has a place of its own.
    return join(ROOT, '.cache/engines')
  }
}

function sayNowAndThen(): (step: Step) => void {
  let saidMs = 0
  return ({ what, elapsedMs, bytes }) => {
    if (elapsedMs < saidMs) saidMs = 0
    if (elapsedMs < saidMs + SAY_EVERY_MS) return
    saidMs = elapsedMs
    const size = bytes === undefined ? '' : `, ${(bytes / 1e6).toFixed(0)} MB`
    process.stderr.write(`engines for tests: ${what}, ${Math.round(elapsedMs / 1000)} s${size}\n`)
  }
}
