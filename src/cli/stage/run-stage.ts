import { flushCompileCache } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StageName } from '../../pipeline/up-file.ts'
import { describeError, EXIT, exit, exitCodeOf } from '../exit.ts'
import { type LogFormat, openReport, type Report } from '../reporter.ts'
import { toWireError } from '../up/messages.ts'
import { aborted } from './stage-options.ts'
import { LEAVE_MS, supervisorLink } from './supervisor-link.ts'

/** One process of the pipeline, running. */
export interface Stage {
  /** Where it listens, as a URL; null when nowhere. */
  address: string | null
  /** Resolves when the stage has done all it had to do (`land --once`); rejects when it cannot go on. */
  done: Promise<void>
  /** Finishes what was accepted and closes. When `hurry` aborts, closes at once. */
  stop(hurry: AbortSignal): Promise<void>
}

export interface StageOptions {
  name: StageName
  logFormat: LogFormat
  /** What a person reads when the stage runs alone and is ready. */
  greeting?: (stage: Stage) => string
  open: (report: Report) => Promise<Stage>
}

/**
 * Runs one stage to its end: as a child of `landfall up` (it reports over IPC, is stopped by message, and leaves at once when the
 * supervisor has vanished) or alone (lines on stderr; SIGTERM and Ctrl-C stop it, a second one hurries). Ends the process.
 */
export async function runStage({ name, logFormat, greeting, open }: StageOptions): Promise<never> {
  const link = supervisorLink()
  const report: Report = link ? (note) => link.send({ type: 'note', note }) : await openReport(logFormat)
  const stopping = link ?? listenToSignals(report)
  let stage: Stage | undefined
  try {
    const opening = open(report)
    // A stage that is told to stop while it waits for something to open need not open it any more.
    stage = await Promise.race([opening, stopping.stop.then(() => undefined)])
    stage ??= (await Promise.race([opening, sleep(LEAVE_MS, undefined), aborted(stopping.hurry)])) as
      | Stage
      | undefined
    if (stage === undefined) return exit(EXIT.ok)
    if (link) link.send({ type: 'ready', address: stage.address })
    else if (greeting) report({ level: 'info', text: greeting(stage), fields: { stage: name } })
    // A killed process writes no compile cache, so it is written once everything is loaded.
    flushCompileCache()
    await Promise.race([stage.done, stopping.stop])
    await stage.stop(stopping.hurry)
  } catch (error) {
    if (link) await link.sendAndWait({ type: 'failed', error: toWireError(error) })
    else process.stderr.write(`landfall: ${describeError(error)}\n`)
    await Promise.race([stage?.stop(AbortSignal.abort()).catch(() => {}), sleep(LEAVE_MS)])
    return exit(link ? EXIT.failure : exitCodeOf(error))
  }
  return exit(EXIT.ok)
}

function listenToSignals(report: Report): { stop: Promise<void>; hurry: AbortSignal } {
  const stop = Promise.withResolvers<void>()
  const hurry = new AbortController()
  let signals = 0
  const onSignal = () => {
    signals += 1
    stop.resolve()
    if (signals === 1) report({ level: 'info', text: 'stopping; once more to hurry' })
    if (signals === 2) hurry.abort()
    if (signals > 2) process.exit(EXIT.failure)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  return { stop: stop.promise, hurry: hurry.signal }
}
