/** Programs that end by themselves: what fetches, unpacks, compiles and formats. */
import { type ChildProcess, spawn } from 'node:child_process'
import { LandfallError, systemCode } from '../base/errors.ts'

export interface ExecuteOptions {
  env?: Record<string, string>
  directory?: string
  /** Called every `TICK_MS` while it runs. */
  onTick?: (elapsedMs: number) => void
  /** What to install when the program is not there. */
  install?: string
  /** Default: an hour. */
  timeoutMs?: number
  /** Ends it. */
  signal?: AbortSignal | undefined
}

const TICK_MS = 500
const RUN_MAX_MS = 60 * 60_000

/** Runs a program to its end and resolves to its output. `what` says what for: "fetching pyspark". */
export function execute(
  what: string,
  command: string,
  args: readonly string[],
  options: ExecuteOptions = {},
): Promise<string> {
  return new Promise((done, reject) => {
    const startedAt = performance.now()
    const child: ChildProcess = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: options.directory,
      env: { ...process.env, ...options.env },
      timeout: options.timeoutMs ?? RUN_MAX_MS,
      ...(options.signal && { signal: options.signal }),
    })
    const ticks = setInterval(() => options.onTick?.(performance.now() - startedAt), TICK_MS)
    let [out, err] = ['', '']
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.on('error', (error) => {
      clearInterval(ticks)
      reject(systemCode(error) === 'ENOENT' ? absent(what, command, options.install) : error)
    })
    child.on('close', (code, signal) => {
      clearInterval(ticks)
      if (code === 0) return done(out)
      const end = signal === null ? `with ${code}` : `by ${signal}`
      const message = `${what}: ${command} ended ${end}: ${lastWords(`${out}\n${err}`)}`
      reject(new LandfallError('retry', 'stack/failed', message))
    })
  })
}

function absent(what: string, command: string, install: string | undefined): LandfallError {
  const hint = install === undefined ? {} : { hint: install }
  return new LandfallError(
    'fix-config',
    'stack/missing',
    `${what} needs ${command}, which is not on this machine`,
    hint,
  )
}

/** The line that says what is wrong, of everything a program said. */
function lastWords(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const telling = lines.find((line) => /\bERROR\b/.test(line)) ?? lines.at(-1) ?? 'it said nothing'
  return telling.trim().slice(0, 500)
}
