/** The process of one preview: a question over IPC, an answer, and the end. */
import { Worker } from 'node:worker_threads'
import { LandfallError } from '../../base/errors.ts'
import { loadRepair } from '../load.ts'
import type { PreviewAnswer, PreviewQuestion } from './preview.ts'
import { replayDeadLetters } from './replay.ts'

process.once('message', (question) => void answer(question as PreviewQuestion))
process.once('disconnect', () => process.exit(1))

/** A function that never ends keeps this thread from noticing that its parent was killed. A thread beside it notices. */
const WATCH = `const { ppid } = process
setInterval(() => process.ppid === ppid || process.kill(process.pid, 'SIGKILL'), 500)`
new Worker(WATCH, { eval: true }).unref()

async function answer({ repair, ...question }: PreviewQuestion): Promise<void> {
  const found = await run(repair, question)
  process.send!(found, () => process.exit(0))
}

async function run(repair: string | null, question: Omit<PreviewQuestion, 'repair'>): Promise<PreviewAnswer> {
  try {
    const loaded = repair === null ? {} : { repair: await loadRepair(repair) }
    return { report: await replayDeadLetters({ ...question, ...loaded, apply: false }) }
  } catch (error) {
    const known = error instanceof LandfallError
    return {
      failed: {
        code: known ? error.code : 'deadletters/preview',
        message:
          known || !(error instanceof Error)
            ? String((error as Error).message)
            : `${error.name}: ${error.message}`,
        hint: known ? error.hint : undefined,
      },
    }
  }
}
