import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, watch } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import type { Report } from '../reporter.ts'
import type { Supervisor } from './supervisor.ts'

export interface WatchOptions {
  launcher: string
  pipeline: string
  data: string
}

/** Editors write a file in several steps: look when it has been quiet for this long. */
const QUIET_MS = 150
const SOURCES = new Set(['.ts', '.mts', '.js', '.mjs', '.json', '.csv'])

/**
 * Watches the pipeline file and the sources beside it (which it may import). A change is checked in a process of its own first: a
 * wrong definition is said and the old one stays; a right one restarts the stages, from the lander to the door. Events that
 * were answered are in the log, so nothing is lost between.
 *
 * Call it before the stages load the file, so that no change falls between; it acts when `serving` has resolved.
 */
export async function watchPipeline(
  supervisor: Supervisor,
  serving: Promise<unknown>,
  options: WatchOptions,
  report: Report,
): Promise<void> {
  const directory = dirname(options.pipeline)
  // The door says better what is wrong.
  if (!existsSync(directory)) return
  let seen = await fingerprint(directory)
  let quiet: NodeJS.Timeout | undefined

  const look = async () => {
    const now = await fingerprint(directory)
    if (now === seen) return
    seen = now
    const compiled = await check(options)
    if (compiled === undefined) {
      report({ level: 'error', text: 'the changed pipeline was refused (above); the old one goes on' })
      return
    }
    await supervisor.reload(compiled)
    report({ level: 'info', text: 'the changed pipeline is in use' })
  }
  const onError = (error: unknown) =>
    report({ level: 'error', text: `the changed pipeline does not start: ${(error as Error).message}` })

  let work = serving.then(look).catch(onError)

  watch(directory, (_event, name) => {
    if (name !== null && !SOURCES.has(extname(name))) return
    clearTimeout(quiet)
    quiet = setTimeout(() => (work = work.then(look).catch(onError)), QUIET_MS)
  })
}

/** Changes when a source file beside the pipeline does; editors touch files without changing them. */
async function fingerprint(directory: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of (await readdir(directory)).sort()) {
    if (!SOURCES.has(extname(name))) continue
    hash.update(name).update(await readFile(join(directory, name)).catch(() => 'gone'))
  }
  return hash.digest('hex')
}

/** `landfall check` in a process of its own: the changed file is loaded by a fresh Node. Its complaints go to stderr. */
function check({ launcher, pipeline, data }: WatchOptions): Promise<CompiledPipeline | undefined> {
  const args = ['check', pipeline, '--data', data, '--quiet']
  const child = fork(launcher, args, { stdio: ['ignore', 2, 'inherit', 'ipc'] })
  let compiled: CompiledPipeline | undefined
  child.on('message', (message) => {
    compiled = message as CompiledPipeline
  })
  return new Promise((resolve) => {
    child.on('error', () => resolve(undefined))
    child.on('close', (code) => resolve(code === 0 ? compiled : undefined))
  })
}
