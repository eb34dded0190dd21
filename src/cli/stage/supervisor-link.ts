/** A stage's side of the channel to `landfall up`. */
import type { CompiledPipeline } from '../../model/pipeline.ts'
import { EXIT } from '../exit.ts'
import { type FromChild, type FromSupervisor, SUPERVISED } from '../up/messages.ts'

export interface SupervisorLink {
  /** The definition that all stages work with. */
  readonly compiled: Promise<CompiledPipeline>
  /** Resolves when the other stages work with the definition that this one announced. */
  readonly go: Promise<void>
  readonly stop: Promise<void>
  /** Aborts when there is no time left to finish what was accepted. */
  readonly hurry: AbortSignal
  send(message: FromChild): void
  /** Resolves when the kernel has the bytes: ending before that would lose them. */
  sendAndWait(message: FromChild): Promise<void>
}

/** How long a stage that must leave at once may take to close its files. */
export const LEAVE_MS = 1500

let link: SupervisorLink | undefined

/** Undefined when the stage runs alone. */
export function supervisorLink(): SupervisorLink | undefined {
  if (process.env[SUPERVISED] !== '1' || process.send === undefined) return undefined
  link ??= openLink()
  return link
}

function openLink(): SupervisorLink {
  const compiled = Promise.withResolvers<CompiledPipeline>()
  const go = Promise.withResolvers<void>()
  const stop = Promise.withResolvers<void>()
  const hurry = new AbortController()
  // Ctrl-C reaches every process of the terminal; the supervisor decides the order in which we stop.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => stop.resolve())
  process.on('message', (message: FromSupervisor) => {
    if (message.type === 'pipeline') compiled.resolve(message.compiled)
    else if (message.type === 'go') go.resolve()
    else {
      if (message.hurry) hurry.abort()
      stop.resolve()
    }
  })
  // Nobody would restart us, and whoever starts the pipeline anew waits for our locks: leave now.
  process.on('disconnect', () => {
    hurry.abort()
    stop.resolve()
    setTimeout(() => process.exit(EXIT.failure), LEAVE_MS).unref()
  })
  const send = (message: FromChild, sent: () => void) => {
    if (process.connected) process.send!(message, undefined, undefined, sent)
    else sent()
  }
  return {
    compiled: compiled.promise,
    go: go.promise,
    stop: stop.promise,
    hurry: hurry.signal,
    send: (message) => send(message, () => {}),
    sendAndWait: (message) => new Promise((resolve) => send(message, resolve)),
  }
}
