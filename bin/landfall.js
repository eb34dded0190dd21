#!/usr/bin/env node
// Starts Landfall under Node 24, from compiled JavaScript (the published package) or from the TypeScript as it stands
// (the repository).
import { existsSync } from 'node:fs'
import * as module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { findPinnedNode, handOver, isNodeFine, tooOldMessage } from './node24.js'

const self = fileURLToPath(import.meta.url)
const root = dirname(dirname(self))
const source = join(root, 'src', 'cli', 'main.ts')
const compiled = join(root, 'dist', 'cli', 'main.js')

if (isNodeFine()) await start()
else {
  const node = findPinnedNode(root)
  if (node === undefined) {
    process.stderr.write(`${tooOldMessage()}\n`)
    process.exit(1)
  }
  handOver(node, [self, ...process.argv.slice(2)])
}

async function start() {
  // DuckDB's statements and file work share Node's thread pool, whose usual size is 4. Read at its first use.
  process.env.UV_THREADPOOL_SIZE ??= '8'
  enableCompileCache()
  const { main } = await import(pathToFileURL(existsSync(source) ? source : compiled).href)
  await main(process.argv.slice(2))
}

/**
 * Compiled code is kept between runs, in `node_modules/.cache` (never in a directory that others may write): it halves the
 * start. The processes we start find it by the environment.
 */
function enableCompileCache() {
  if (process.env.NODE_DISABLE_COMPILE_CACHE || process.env.NODE_COMPILE_CACHE) return
  const modules = existsSync(source) ? join(root, 'node_modules') : dirname(root)
  const { directory } = module.enableCompileCache(join(modules, '.cache', 'landfall'))
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE = dirname(directory)
}
