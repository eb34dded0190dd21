/**
 * What a repair would heal, for a page: the dry run of `landfall deadletters replay`, in a process of its own. The function in the file
 * may do what it likes (loop for ever, take all memory, end its process): the one that answers questions does not notice.
 */
import { fork } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LandfallError } from '../../base/errors.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import type { Places } from '../places.ts'
import type { LetterFilter } from './letters.ts'
import type { ReplayReport } from './replay.ts'

export interface PreviewQuestion {
  pipeline: CompiledPipeline
  places: Places
  /** Path of the file with the function; null: none. */
  repair: string | null
  filter: LetterFilter
  examplesMax: number
  eventBytesMax: number
}

export type PreviewAnswer =
  | { report: ReplayReport }
  | { failed: { code: string; message: string; hint: string | undefined } }

const PREVIEW_MS = 60_000
const MEMORY_MB = 512
/** Beside this file, in the repository and in the package. */
const PROGRAM = join(import.meta.dirname, `preview-process${extname(fileURLToPath(import.meta.url))}`)

/** Files beside the pipeline that may hold a repair: `repair` in their name, or in the folder `repairs`. Sorted. */
export async function listRepairs(pipelineFile: string): Promise<string[]> {
  const folder = dirname(pipelineFile)
  const isModule = (name: string) => /\.m?[jt]s$/.test(name) && !name.endsWith('.d.ts')
  const here = (await namesIn(folder)).filter((name) => isModule(name) && /repair/i.test(name))
  const there = (await namesIn(join(folder, 'repairs'))).filter(isModule)
  return [...here, ...there.map((name) => `repairs/${name}`)].toSorted()
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  } catch {
    // There need not be such a folder.
    return []
  }
}

/** Throws what the dry run throws, and `deadletters/preview` when it takes too long or ends without an answer. */
export async function previewRepair(question: PreviewQuestion, signal: AbortSignal): Promise<ReplayReport> {
  const answer = await askProcess(question, signal)
  if ('report' in answer) return answer.report
  const { code, message, hint } = answer.failed
  throw new LandfallError('fix-request', code, message, hint === undefined ? {} : { hint })
}

function askProcess(question: PreviewQuestion, signal: AbortSignal): Promise<PreviewAnswer> {
  return new Promise((resolve, reject) => {
    const child = fork(PROGRAM, [], {
      // What the function prints goes nowhere: it is run again and again.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [`--max-old-space-size=${MEMORY_MB}`],
      serialization: 'advanced',
    })
    const timer = setTimeout(() => stop(`it took longer than ${PREVIEW_MS / 1000} s`), PREVIEW_MS)
    const onAbort = () => stop('nobody waits for it any more')
    signal.addEventListener('abort', onAbort, { once: true })
    const stop = (why: string) => {
      child.kill('SIGKILL')
      reject(noAnswer(why))
    }
    child.on('message', (answer: PreviewAnswer) => resolve(answer))
    child.on('error', (error) => reject(noAnswer(error.message)))
    child.on('exit', (code, how) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      reject(noAnswer(`its process ended (${how ?? `exit code ${code}`})`))
    })
    child.send(question, () => {})
  })
}

function noAnswer(why: string): LandfallError {
  return new LandfallError('fix-request', 'deadletters/preview', `the repair was not shown: ${why}`, {
    hint: '“landfall deadletters replay” runs it without a bound, and shows what it prints',
  })
}
