import { existsSync } from 'node:fs'
import { formatAddress } from '../base/setting.ts'
import { resolveSettings, type SettingName } from '../config.ts'
import { loadPipeline } from '../pipeline/load.ts'
import { simulateRequests } from '../simulate/requests.ts'
import { sendRequests } from '../simulate/send.ts'
import { formatSummary, summarize } from '../simulate/summary.ts'
import { EXIT, usageError } from './exit.ts'
import { openProgress } from './progress.ts'
import { readUpFile } from './up/up-file.ts'

export interface SimulateOptions {
  users: string
  events: string
  rate: string
  seed: string
  concurrency: string
  json: boolean
}

/** `landfall simulate PIPELINE`. Exit code 1 when a request got no answer or one that is not a 2xx. */
export async function runSimulate(
  path: string,
  options: SimulateOptions,
  flags: Partial<Record<SettingName, unknown>>,
): Promise<void> {
  const count = wholeNumber('--events', options.events, 1)
  const users = wholeNumber('--users', options.users, 1)
  const seed = wholeNumber('--seed', options.seed, 0)
  const concurrency = wholeNumber('--concurrency', options.concurrency, 1)
  const rate = Number(options.rate)
  if (!(rate >= 0)) throw usageError(`--rate: expected requests per second, found "${options.rate}"`)
  const pipeline = await loadPipeline(path)
  const url = addressOf(flags, pipeline.compiled.settings)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

  const progress = openProgress(`${users} players`, count)
  const requests = simulateRequests(pipeline, users, seed)
  const sent = await sendRequests({
    url,
    requests,
    count,
    concurrency,
    rate,
    signal: stop.signal,
    onAnswer: progress.update,
  })
  progress.end()
  const summary = summarize(url, concurrency, sent)
  process.stdout.write(`${options.json ? JSON.stringify(summary, null, 2) : formatSummary(summary)}\n`)
  if (summary.failed > 0 || summary.non2xx > 0) process.exitCode = EXIT.failure
}

/** The flag or the environment; else what runs on ./data; else what the pipeline says. */
function addressOf(flags: Partial<Record<SettingName, unknown>>, pipeline: Record<string, unknown>): string {
  const settings = resolveSettings({ flags, environment: process.env, pipeline })
  const given = flags['collector.listen'] ?? process.env.LANDFALL_HTTP
  const running = given === undefined && existsSync(settings.data) ? readUpFile(settings.data) : undefined
  return running?.http ?? `http://${formatAddress(settings['collector.listen'])}`
}

function wholeNumber(flag: string, text: string, least: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least && Number.isSafeInteger(Number(text))) return Number(text)
  throw usageError(`${flag}: expected a whole number from ${least} on, found "${text}"`)
}
