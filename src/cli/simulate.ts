import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LandfallError } from '../base/errors.ts'
import { urlOf } from '../base/setting.ts'
import { resolveSettings, type SettingName } from '../config.ts'
import type { Pipeline } from '../model/definition.ts'
import { checkSimulate, type SimulateInput } from '../model/simulate-input.ts'
import { loadPipeline } from '../pipeline/load.ts'
import { roundRequests, simulateRequests } from '../simulate/requests.ts'
import { sendRequests } from '../simulate/send.ts'
import { formatSummary, summarize } from '../simulate/summary.ts'
import { mergeHints } from '../simulate/world.ts'
import { trustAuthority } from './authority.ts'
import { EXIT, usageError } from './exit.ts'
import { openProgress } from './progress.ts'
import { readUpFile } from './up/up-file.ts'

export interface SimulateOptions {
  users: string
  events: string
  rate: string
  seed: string
  concurrency: string
  rounds?: string
  load?: string
  json: boolean
  ca?: string
}

/** `landfall simulate PIPELINE`. Exit code 1 when a request got no answer or one that is not a 2xx. */
export async function runSimulate(
  path: string,
  options: SimulateOptions,
  flags: Partial<Record<SettingName, unknown>>,
): Promise<void> {
  await trustAuthority(options.ca)
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

  const hints = await loadHints(path, options.load, pipeline)
  const work =
    options.rounds === undefined
      ? {
          title: `${users} players`,
          requests: simulateRequests(pipeline, hints, users, seed),
          count,
          concurrency,
        }
      : roundsOf(hints, wholeNumber('--rounds', options.rounds, 1))
  const progress = openProgress(work.title, work.count)
  const sent = await sendRequests({ ...work, url, rate, signal: stop.signal, onAnswer: progress.update })
  progress.end()
  const summary = summarize(url, work.concurrency, sent)
  process.stdout.write(`${options.json ? JSON.stringify(summary, null, 2) : formatSummary(summary)}\n`)
  if (summary.failed > 0 || summary.non2xx > 0) process.exitCode = EXIT.failure
}

/** The requests of the load's round, again and again, one at a time: their order is part of the load. */
export function roundsOf(hints: SimulateInput, rounds: number) {
  const round = roundRequests(hints.round ?? [])
  if (round.length === 0) {
    throw new LandfallError('fix-config', 'simulate/no-round', 'the load has no round to send', {
      hint: 'Give load.json, or simulate of the pipeline file, a list "round"',
    })
  }
  const requests = Array.from({ length: rounds }, () => round).flat()
  return { title: `${rounds} rounds`, requests, count: requests.length, concurrency: 1 }
}

/** What the pipeline file says, and laid over it a load file: the one that was named, else `load.json` beside the pipeline. */
export async function loadHints(
  path: string,
  file: string | undefined,
  pipeline: Pipeline,
): Promise<SimulateInput> {
  const own = pipeline.definition.simulate
  const beside = join(dirname(path), 'load.json')
  const from = file ?? (existsSync(beside) ? beside : undefined)
  if (from === undefined) return mergeHints(own, undefined)
  return mergeHints(own, await readLoad(from, pipeline))
}

async function readLoad(file: string, { definition }: Pipeline): Promise<SimulateInput> {
  let load: unknown
  try {
    load = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw new LandfallError(
      'fix-config',
      'simulate/load',
      `the load ${file} cannot be read: ${(error as Error).message}`,
    )
  }
  checkSimulate(file, load, definition)
  return load ?? {}
}

/** The flag or the environment; else what runs on ./data; else what the pipeline says. */
function addressOf(flags: Partial<Record<SettingName, unknown>>, pipeline: Record<string, unknown>): string {
  const settings = resolveSettings({ flags, environment: process.env, pipeline })
  const given = flags['collector.listen'] ?? process.env.LANDFALL_HTTP
  const running = given === undefined && existsSync(settings.data) ? readUpFile(settings.data) : undefined
  return running?.http ?? urlOf(settings['collector.listen'])
}

function wholeNumber(flag: string, text: string, least: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least && Number.isSafeInteger(Number(text))) return Number(text)
  throw usageError(`${flag}: expected a whole number from ${least} on, found "${text}"`)
}
