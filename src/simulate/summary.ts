/** What Apache Bench prints after a run, from our own measurements. */
import type { Sent } from './send.ts'

export interface Summary {
  url: string
  concurrency: number
  complete: number
  failed: number
  non2xx: number
  seconds: number
  requestsPerSecond: number
  bytes: number
  /** Milliseconds. */
  mean: number
  percentiles: Record<'50' | '66' | '75' | '80' | '90' | '95' | '98' | '99' | '100', number>
}

const SHARES = ['50', '66', '75', '80', '90', '95', '98', '99', '100'] as const

export function summarize(url: string, concurrency: number, sent: Sent): Summary {
  const sorted = sent.latencies.toSorted()
  const at = (share: number) => sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] ?? 0
  const seconds = sent.elapsedMs / 1000
  return {
    url,
    concurrency,
    complete: sorted.length,
    failed: sent.failed,
    non2xx: sent.refused,
    seconds,
    requestsPerSecond: seconds > 0 ? sorted.length / seconds : 0,
    bytes: sent.bytes,
    mean: sorted.length === 0 ? 0 : sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length,
    percentiles: Object.fromEntries(
      SHARES.map((share) => [share, at(Number(share))]),
    ) as Summary['percentiles'],
  }
}

export function formatSummary(summary: Summary): string {
  const { hostname, port } = new URL(summary.url)
  const ms = (value: number) => value.toFixed(2)
  const lines: [string, string][] = [
    ['Server Hostname', hostname],
    ['Server Port', port],
    ['Concurrency Level', String(summary.concurrency)],
    ['Time taken for tests', `${summary.seconds.toFixed(3)} seconds`],
    ['Complete requests', String(summary.complete)],
    ['Failed requests', String(summary.failed)],
    ...(summary.non2xx > 0 ? [['Non-2xx responses', String(summary.non2xx)] as [string, string]] : []),
    ['Total transferred', `${summary.bytes} bytes of bodies`],
    ['Requests per second', `${summary.requestsPerSecond.toFixed(2)} [#/sec] (mean)`],
    ['Time per request', `${ms(summary.mean)} [ms] (mean)`],
  ]
  const percentiles = Object.entries(summary.percentiles).sort(([a], [b]) => Number(a) - Number(b))
  return [
    ...lines.map(([name, value]) => `${`${name}:`.padEnd(24)}${value}`),
    '',
    'Percentage of the requests served within a certain time (ms)',
    ...percentiles.map(
      ([share, value]) =>
        `${share.padStart(4)}%  ${ms(value).padStart(8)}${share === '100' ? ' (longest request)' : ''}`,
    ),
  ].join('\n')
}
