/** How the command line ends: exit codes, one line for a mistake, silence when the reader of a pipe has gone. */
import { formatError, isLandfallError, LandfallError, systemCode } from '../base/errors.ts'

export const EXIT = { ok: 0, failure: 1, usage: 2 } as const

/** A mistake in the command line itself: exit code 2. */
export function usageError(message: string, hint?: string): LandfallError {
  return new LandfallError('fix-config', 'config/usage', message, hint === undefined ? {} : { hint })
}

export function exitCodeOf(error: unknown): number {
  const usage = isLandfallError(error) && error.code.startsWith('config/')
  return usage ? EXIT.usage : EXIT.failure
}

/** What a terminal shows of an error: one line; the stack only for who asks (LANDFALL_DEBUG=1) or for our own mistakes' sake. */
export function describeError(error: unknown): string {
  if (process.env.LANDFALL_DEBUG && error instanceof Error) return inspect(error)
  if (isLandfallError(error)) return formatError(error)
  const system = systemCode(error)
  const message = error instanceof Error ? error.message.split('\n')[0]! : String(error)
  if (system !== undefined) return message
  return `${message} (LANDFALL_DEBUG=1 shows where)`
}

function inspect(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${inspect(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}

/** `landfall … | head -1` ends quietly when `head` has enough. */
export function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (systemCode(error) === 'EPIPE') process.exit(EXIT.ok)
      throw error
    })
  }
}

/** Ends the process after what was written has left it: `process.exit` alone cuts a pipe short. */
export async function exit(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve))
  }
  process.exit(code)
}
