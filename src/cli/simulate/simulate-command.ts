import { existsSync } from 'node:fs'
import { urlOf } from '../../base/setting.ts'
import { resolveSettings, type SettingName } from '../../config.ts'
import { loadPipeline } from '../../pipeline/load.ts'
import { readUpFile } from '../../pipeline/up-file.ts'
import { type Sent, sendRequests } from '../../simulate/send.ts'
import { formatSummary, summarize } from '../../simulate/summary.ts'
import { trustAuthority } from '../authority.ts'
import { EXIT } from '../exit.ts'
import { openProgress } from '../progress.ts'
import { loadHints } from './load-file.ts'
import { type Work, type WorkOptions, workOf } from './work.ts'

export interface SimulateOptions extends WorkOptions {
  load?: string
  json: boolean
  ca?: string
}

/** `landfall simulate PIPELINE`. Exit code 1 when a request got no answer, or another one than it must have. */
export async function runSimulate(
  path: string,
  options: SimulateOptions,
  flags: Partial<Record<SettingName, unknown>>,
): Promise<void> {
  await trustAuthority(options.ca)
  const pipeline = await loadPipeline(path)
  const url = addressOf(flags, pipeline.compiled.settings)
  const hints = await loadHints(path, options.load, pipeline)
  const work = workOf(pipeline, hints, options, Date.now())
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const progress = progressOf(work)
  let sent: Sent
  try {
    sent = await sendRequests({ ...work, url, signal: stop.signal, onAnswer: progress.onAnswer })
  } finally {
    progress.end()
  }
  const summary = summarize(url, work.concurrency, sent, work)
  process.stdout.write(`${options.json ? JSON.stringify(summary, null, 2) : formatSummary(summary)}\n`)
  if (summary.failed > 0 || summary.unexpected > 0) process.exitCode = EXIT.failure
}

/** By time where the time is the end, else by number; of history nobody knows the number before. */
function progressOf({ title, count, durationMs, batches }: Work) {
  const startedAt = performance.now()
  const total = count < Number.MAX_SAFE_INTEGER ? count : undefined
  const progress =
    durationMs === undefined
      ? openProgress(title, total, { of: batches ? 'events' : 'requests' })
      : openProgress(title, Math.round(durationMs / 1000), { of: 's' })
  return {
    onAnswer(done: number, { events, failed, refused, latencies }: Sent) {
      const at = durationMs === undefined ? (batches ? events : done) : (performance.now() - startedAt) / 1000
      progress.update(at, () => {
        const wrong = failed + refused === 0 ? '' : `, ${failed + refused} wrong`
        return `${durationMs === undefined ? '' : `${done} requests, `}p99 ${latencies.percentile(99).toFixed(1)} ms${wrong}`
      })
    },
    end: () => progress.end(),
  }
}

/** The flag or the environment; else what runs on ./data; else what the pipeline says. */
function addressOf(flags: Partial<Record<SettingName, unknown>>, pipeline: Record<string, unknown>): string {
  const settings = resolveSettings({ flags, environment: process.env, pipeline })
  const given = flags['collector.listen'] ?? process.env.LANDFALL_HTTP
  const running = given === undefined && existsSync(settings.data) ? readUpFile(settings.data) : undefined
  return running?.http ?? urlOf(settings['collector.listen'])
}
