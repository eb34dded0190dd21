/** What Apache Bench prints after a run, from our own measurements. */
import type { Sent } from './send.ts'

export interface Summary {
  url: string
  concurrency: number
  /** Requests with a whole answer. */
  complete: number
  /** Requests without one. */
  failed: number
  non2xx: number
  /** Answers that were not what they had to be: other than a 2xx or 409, or other than a bad event must be answered. */
  unexpected: number
  seconds: number
  requestsPerSecond: number
  /** What came, with heads. */
  bytes: number
  /** Of these, bodies. */
  bodyBytes: number
  /** Milliseconds of a request. */
  mean: number
  /** Milliseconds within which so many of 100 were answered. */
  percentiles: Record<'50' | '66' | '75' | '80' | '90' | '95' | '98' | '99' | '100', number>
  /** Status → how many answers. */
  statuses: Record<string, number>
  /** Why requests had no whole answer → how many. */
  failures: Record<string, number>
  /** Bad events on demand that were answered as they must be, by kind. */
  bad?: Record<string, number>
  /** Those that were answered otherwise. */
  badUnexpected?: number
  /** Events within batches that were answered with a 2xx. */
  events?: number
}

const SHARES = ['50', '66', '75', '80', '90', '95', '98', '99', '100'] as const

/** `kinds`: whether bad events were among the requests, and batches. */
export function summarize(
  url: string,
  concurrency: number,
  sent: Sent,
  kinds: { bad?: boolean; batches?: boolean } = {},
): Summary {
  const { latencies, statuses, elapsedMs } = sent
  const seconds = elapsedMs / 1000
  const non2xx = [...statuses].reduce((sum, [status, n]) => sum + (status < 200 || status > 299 ? n : 0), 0)
  return {
    url,
    concurrency,
    complete: latencies.count,
    failed: sent.failed,
    non2xx,
    unexpected: sent.refused,
    seconds,
    requestsPerSecond: seconds > 0 ? latencies.count / seconds : 0,
    bytes: sent.bytes,
    bodyBytes: sent.bodyBytes,
    mean: latencies.mean,
    percentiles: Object.fromEntries(
      SHARES.map((share) => [share, latencies.percentile(Number(share))]),
    ) as Summary['percentiles'],
    statuses: Object.fromEntries(statuses),
    failures: Object.fromEntries(sent.failures),
    ...(kinds.bad ? { bad: Object.fromEntries(sent.bad), badUnexpected: sent.badRefused } : {}),
    ...(kinds.batches ? { events: sent.events } : {}),
  }
}

export function formatSummary(summary: Summary): string {
  const { hostname, port, protocol } = new URL(summary.url)
  const { seconds, events, bad } = summary
  const ms = (value: number) => value.toFixed(2)
  const perSecond = (count: number) => (seconds > 0 ? count / seconds : 0).toFixed(2)
  const lines: [string, string][] = [
    ['Server Hostname', hostname],
    ['Server Port', port || (protocol === 'https:' ? '443' : '80')],
    ['Concurrency Level', String(summary.concurrency)],
    ['Time taken for tests', `${seconds.toFixed(3)} seconds`],
    ['Complete requests', String(summary.complete)],
    ['Failed requests', `${summary.failed}${counted(summary.failures)}`],
    ...(summary.non2xx > 0
      ? [pair('Non-2xx responses', `${summary.non2xx}${counted(refusals(summary))}`)]
      : []),
    ...(bad === undefined ? [] : [pair('Bad events', badText(bad, summary.badUnexpected ?? 0))]),
    ...(events === undefined
      ? []
      : [
          pair('Events sent', String(events)),
          pair('Events per second', `${perSecond(events)} [#/sec] (mean)`),
        ]),
    ['Total transferred', `${summary.bytes} bytes`],
    ['Body transferred', `${summary.bodyBytes} bytes`],
    ['Requests per second', `${summary.requestsPerSecond.toFixed(2)} [#/sec] (mean)`],
    ['Time per request', `${ms(summary.mean)} [ms] (mean)`],
    ['Transfer rate', `${(Number(perSecond(summary.bytes)) / 1024).toFixed(2)} [Kbytes/sec] received`],
  ]
  const percentiles = Object.entries(summary.percentiles).sort(([a], [b]) => Number(a) - Number(b))
  const width = Math.max(8, ...percentiles.map(([, value]) => ms(value).length))
  return [
    ...lines.map(([name, value]) => `${`${name}:`.padEnd(24)}${value}`),
    '',
    'Percentage of the requests served within a certain time (ms)',
    ...percentiles.map(
      ([share, value]) =>
        `${share.padStart(4)}%  ${ms(value).padStart(width)}${share === '100' ? ' (longest request)' : ''}`,
    ),
  ].join('\n')
}

const pair = (name: string, value: string): [string, string] => [name, value]

/** ` (409: 12, 503: 1)`, or nothing. */
function counted(counts: Record<string, number>): string {
  const parts = Object.entries(counts).map(([what, count]) => `${what}: ${count}`)
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

function refusals({ statuses }: Summary): Record<string, number> {
  return Object.fromEntries(Object.entries(statuses).filter(([status]) => !status.startsWith('2')))
}

function badText(bad: Record<string, number>, unexpected: number): string {
  const kinds = Object.entries(bad).map(([kind, count]) => `${count} ${kind}`)
  const verdict =
    unexpected === 0 ? 'each answered as promised' : `${unexpected} answers were not as promised`
  return kinds.length === 0 ? 'none' : `${kinds.join(', ')} (${verdict})`
}
