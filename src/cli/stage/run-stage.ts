import { setTimeout as sleep } from 'node:timers/promises'
import { describeError, EXIT, exit, exitCodeOf } from '../exit.ts'
import { type LogFormat, openReport, type Report } from '../reporter.ts'
import {
  type FromChild,
  type FromSupervisor,
  type StageName,
  SUPERVISED,
  toWireError,
} from '../up/messages.ts'

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

/** How long a stage that must leave at once may take to close its files. */
const LEAVE_MS = 1500

/**
 * Runs one stage to its end: as a child of `landfall up` (it reports over IPC, is stopped by message, and leaves at once when the
 * supervisor has vanished) or alone (lines on stderr; SIGTERM and Ctrl-C stop it, a second one hurries). Ends the process.
 */
export async function runStage({ name, logFormat, greeting, open }: StageOptions): Promise<never> {
  const supervised = isSupervised()
  const report: Report = supervised ? (note) => send({ type: 'note', note }) : await openReport(logFormat)
  const stopping = supervised ? listenToSupervisor() : listenToSignals(report)
  let stage: Stage | undefined
  try {
    stage = await open(report)
    if (supervised) send({ type: 'ready', address: stage.address })
    else if (greeting) report({ level: 'info', text: greeting(stage), fields: { stage: name } })
    await flushCompileCache()
    await Promise.race([stage.done, stopping.asked])
    await stage.stop(stopping.hurry)
  } catch (error) {
    if (supervised) await sendAndWait({ type: 'failed', error: toWireError(error) })
    else process.stderr.write(`landfall: ${describeError(error)}\n`)
    await Promise.race([stage?.stop(AbortSignal.abort()).catch(() => {}), sleep(LEAVE_MS)])
    return exit(supervised ? EXIT.failure : exitCodeOf(error))
  }
  return exit(EXIT.ok)
}

export function isSupervised(): boolean {
  return process.env[SUPERVISED] === '1' && process.send !== undefined
}

function send(message: FromChild): void {
  if (process.connected) process.send!(message)
}

/** `process.send` is done when the kernel has the bytes; ending before that loses the message. */
async function sendAndWait(message: FromChild): Promise<void> {
  if (!process.connected) return
  await new Promise<void>((resolve) => process.send!(message, undefined, undefined, () => resolve()))
}

interface Stopping {
  asked: Promise<void>
  hurry: AbortSignal
}

function listenToSupervisor(): Stopping {
  const asked = Promise.withResolvers<void>()
  const hurry = new AbortController()
  // Ctrl-C reaches every process of the terminal; the supervisor decides the order in which we stop.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => asked.resolve())
  process.on('message', (message: FromSupervisor) => {
    if (message.hurry) hurry.abort()
    asked.resolve()
  })
  // Nobody would restart us, and whoever starts the pipeline anew waits for our locks: leave now.
  process.on('disconnect', () => {
    hurry.abort()
    asked.resolve()
    setTimeout(() => process.exit(EXIT.failure), LEAVE_MS).unref()
  })
  return { asked: asked.promise, hurry: hurry.signal }
}

function listenToSignals(report: Report): Stopping {
  const asked = Promise.withResolvers<void>()
  const hurry = new AbortController()
  let signals = 0
  const stop = () => {
    signals += 1
    asked.resolve()
    if (signals === 1) report({ level: 'info', text: 'stopping; once more to hurry' })
    if (signals === 2) hurry.abort()
    if (signals > 2) process.exit(EXIT.failure)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  return { asked: asked.promise, hurry: hurry.signal }
}

/** A killed process writes no compile cache, so it is written once everything is loaded. */
async function flushCompileCache(): Promise<void> {
  const { flushCompileCache } = await import('node:module')
  flushCompileCache()
}
