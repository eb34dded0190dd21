/** From the command line's words to what is to be sent. */

import type { Pipeline } from '../../model/definition.ts'
import type { SimulateInput } from '../../model/simulate-input.ts'
import { parseDuration } from '../../model/time.ts'
import { authorization, badRequests, mixBad, openSource } from '../../simulate/bad.ts'
import { historyRequests, historySource } from '../../simulate/history-requests.ts'
import { DAY_MS } from '../../simulate/players.ts'
import { simulateRequests } from '../../simulate/requests.ts'
import type { SendOptions } from '../../simulate/send.ts'
import { simulateHistory, simulatePlayers } from '../../simulate/simulate.ts'
import { usageError } from '../exit.ts'
import { roundsOf } from './load-file.ts'

export interface WorkOptions {
  users: string
  events?: string
  duration?: string
  rate: string
  seed: string
  concurrency: string
  bad: string
  backdate?: string
  rounds?: string
  uniform: boolean
}

export interface Work extends Pick<SendOptions, 'requests' | 'count' | 'concurrency' | 'rate'> {
  title: string
  durationMs?: number
  /** Whether bad events are among them: then they are told apart in the summary. */
  bad: boolean
  /** Requests are batches of events. */
  batches: boolean
}

/** Without a number of events and without an end. */
const EVENTS = 1000

export function workOf(pipeline: Pipeline, hints: SimulateInput, options: WorkOptions, nowMs: number): Work {
  const share = shareOf(options.bad)
  const durationMs = durationOf('--duration', options.duration)
  const common = {
    concurrency: wholeNumber('--concurrency', options.concurrency, 1),
    rate: rateOf(options.rate),
    bad: share > 0,
    ...(durationMs === undefined ? {} : { durationMs }),
  }
  checkTogether(options)
  if (options.rounds !== undefined)
    return { ...common, batches: false, ...roundsOf(hints, wholeNumber('--rounds', options.rounds, 1)) }
  return options.backdate === undefined
    ? { ...common, batches: false, ...players(pipeline, hints, options, share) }
    : { ...common, batches: true, ...history(pipeline, hints, options, share, nowMs) }
}

function checkTogether({ backdate, uniform, rounds, events, bad }: WorkOptions): void {
  const given = [
    ...(backdate === undefined ? [] : ['--backdate']),
    ...(uniform ? ['--uniform'] : []),
    ...(rounds === undefined ? [] : ['--rounds']),
  ]
  if (given.length > 1) throw usageError(`${given.join(' and ')}: choose one`)
  if (rounds === undefined) return
  if (events !== undefined) throw usageError('--rounds and --events: choose one')
  if (shareOf(bad) > 0) throw usageError('--rounds and --bad: a round is sent as it is written')
}

function players(
  pipeline: Pipeline,
  hints: SimulateInput,
  options: WorkOptions,
  share: number,
): Pick<Work, 'title' | 'requests' | 'count'> {
  const users = wholeNumber('--users', options.users, 1)
  const seed = wholeNumber('--seed', options.seed, 0)
  const source = openSource(pipeline.compiled)
  const good = options.uniform
    ? simulateRequests(pipeline, hints, users, seed)
    : simulatePlayers(
        pipeline,
        { players: users, seed, from: FIRST_DAY, hints },
        authorization(source)['Authorization'],
      )
  const unlimited = options.duration === undefined ? EVENTS : Number.MAX_SAFE_INTEGER
  return {
    title: users === 1 ? '1 player' : `${users} players`,
    requests: share > 0 ? mixBad(good, badRequests(pipeline.compiled, source, seed), share, seed) : good,
    count: options.events === undefined ? unlimited : wholeNumber('--events', options.events, 1),
  }
}

const HOUR_MS = 3_600_000
/** Any midnight: the same seed sends the same requests, whatever day it is. */
const FIRST_DAY = Date.UTC(2026, 0, 1)

function history(
  pipeline: Pipeline,
  hints: SimulateInput,
  options: WorkOptions,
  share: number,
  nowMs: number,
): Pick<Work, 'title' | 'requests' | 'count'> {
  const { compiled } = pipeline
  const seed = wholeNumber('--seed', options.seed, 0)
  const from = beginningOf(durationOf('--backdate', options.backdate)!, nowMs)
  const source = historySource(compiled, from, nowMs)
  const events = simulateHistory(pipeline, {
    players: wholeNumber('--users', options.users, 1),
    seed,
    from,
    until: nowMs,
    hints,
    timeField: source.trustTime.field,
  })
  const count =
    options.events === undefined ? Number.MAX_SAFE_INTEGER : wholeNumber('--events', options.events, 1)
  const bad = badRequests(compiled, openSource(compiled), seed)
  return {
    title: `${options.backdate} of ${options.users} players`,
    requests: historyRequests(events, source, { count, bad, share, seed }),
    count: Number.MAX_SAFE_INTEGER,
  }
}

/**
 * From the first midnight within the time on (of less than two days, the first full hour): a second run on the same day sends the same
 * events under the same ids, which land once.
 */
function beginningOf(backMs: number, nowMs: number): number {
  if (backMs < HOUR_MS) throw usageError('--backdate: at least an hour of history', 'Write it as in 30d')
  const [grain, sending] = backMs >= 2 * DAY_MS ? [DAY_MS, HOUR_MS] : [HOUR_MS, 0]
  return Math.ceil((nowMs - backMs + sending) / grain) * grain
}

function rateOf(text: string): number {
  const rate = Number(text)
  if (text.trim() !== '' && rate >= 0 && Number.isFinite(rate)) return rate
  throw usageError(`--rate: expected requests per second, found "${text}"`)
}

function shareOf(text: string): number {
  const share = Number(text)
  if (text.trim() !== '' && share >= 0 && share < 1) return share
  throw usageError(`--bad: expected a share from 0 to below 1, such as 0.01, found "${text}"`)
}

function durationOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return ms
  throw usageError(`${flag}: expected a duration such as 30d, 12h, 30m or 30s, found "${text}"`)
}

function wholeNumber(flag: string, text: string, least: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least && Number.isSafeInteger(Number(text))) return Number(text)
  throw usageError(`${flag}: expected a whole number from ${least} on, found "${text}"`)
}
