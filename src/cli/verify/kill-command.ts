import { resolve } from 'node:path'
import { LandfallError } from '../../base/errors.ts'
import { loadPipeline } from '../../pipeline/load.ts'
import { readUpFile } from '../../pipeline/up-file.ts'
import { formatKillReport } from '../../verify/kill/kill-report.ts'
import { runKillTest } from '../../verify/kill/run-kill.ts'
import { EXIT, usageError } from '../exit.ts'
import { loadHints } from '../simulate/load-file.ts'

export interface VerifyKillOptions {
  /** As they were typed. */
  kill: string
  seed?: string
  json: boolean
  /** Path of bin/landfall.js. */
  launcher: string
}

const KILLS_MAX = 1000

/** `landfall verify PIPELINE --kill N`. Exit code 1 when anything is lost, doubled or does not add up. */
export async function verifyKill(pipelineFile: string, options: VerifyKillOptions): Promise<void> {
  const { json, launcher } = options
  const kills = wholeNumber('--kill', options.kill, 1, KILLS_MAX)
  const seed =
    options.seed === undefined
      ? Math.floor(Math.random() * 1e9)
      : wholeNumber('--seed', options.seed, 0, Number.MAX_SAFE_INTEGER)
  const path = resolve(pipelineFile)
  const pipeline = await loadPipeline(path)
  const stop = new AbortController()
  const stopped = new LandfallError('closed', 'verify/stopped', 'the crash test was stopped before its end')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stop.abort(stopped))
  }
  const say = (text: string) => process.stderr.write(`${text}\n`)
  say(`killing a copy of ${pipelineFile} ${kills} times, seed ${seed}`)
  const report = await runKillTest({
    launcher,
    path,
    pipeline,
    hints: await loadHints(path, undefined, pipeline),
    kills,
    seed,
    readRunning: readUpFile,
    onStep: (text) => say(`  ${text}`),
    onKill: ({ victim, doorBackMs }, done) =>
      say(
        `  ${done}/${kills} killed ${victim === 'all' ? 'all processes' : victim}, the door answers after ${doorBackMs} ms`,
      ),
    signal: stop.signal,
  })
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : formatKillReport(report, pipelineFile))
  if (!report.passed) process.exitCode = EXIT.failure
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
  throw usageError(`${flag}: expected a whole number from ${least} to ${most}, found "${text}"`)
}
