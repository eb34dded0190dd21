import type { LogReader } from '../../log/log.ts'
import type { Position } from '../../model/position.ts'
import type { LogRecord } from '../../model/record.ts'
import { type Places, topicOf } from '../../pipeline/places.ts'
import { openDataLog } from '../../pipeline/readers.ts'
import { usageError } from '../exit.ts'

export interface WatchOptions {
  from: string
  exit: boolean
  count?: string
  partition?: string
  format?: string
  json: boolean
}

/** `landfall watch`: what kafkacat -C showed. */
export async function watchLog(places: Places, options: WatchOptions): Promise<void> {
  await using log = await openDataLog(places)
  const print = options.json
    ? printJson
    : options.format === undefined
      ? printValue
      : printAs(options.format, topicOf(places))
  const limit = options.count === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--count', options.count)
  const partition =
    options.partition === undefined ? undefined : wholeNumber('--partition', options.partition)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

  const from = await startOf(log, options.from, partition)
  let printed = 0
  if (printed >= limit) return
  for await (const batch of log.read({ from, follow: !options.exit, signal: stop.signal })) {
    if (partition !== undefined && batch.partition !== partition) continue
    let out = ''
    for (const record of batch.records) {
      if (printed >= limit) break
      out += print(record)
      printed += 1
    }
    // A slow reader of the pipe slows us down instead of filling our memory.
    if (!process.stdout.write(out)) await new Promise((resolve) => process.stdout.once('drain', resolve))
    if (printed >= limit) return
  }
}

/** Where to begin in each partition; those that are not wanted are not read. */
async function startOf(log: LogReader, from: string, wanted: number | undefined): Promise<Position> {
  if (!/^(beginning|end|-?\d+)$/.test(from))
    throw usageError(`--from: expected beginning, end or an offset, found "${from}"`)
  const [start, end] = await Promise.all([log.start(), log.end()])
  const all = Object.keys(end.next).map(Number)
  if (wanted !== undefined && !all.includes(wanted))
    throw usageError(`--partition: the topic has ${all.length}, from 0 on, and no ${wanted}`)
  const next: Record<number, number> = {}
  for (const partition of all) {
    const [first, last] = [start.next[partition] ?? 0, end.next[partition]!]
    const isWanted = wanted === undefined || wanted === partition
    next[partition] = isWanted ? beginAt(from, first, last, all.length > 1 && wanted === undefined) : last
  }
  return { logId: log.id, next }
}

/** `clamp`: one offset for several partitions, which do not all reach as far. */
function beginAt(from: string, first: number, last: number, clamp: boolean): number {
  if (from === 'beginning') return first
  if (from === 'end') return last
  const offset = Number(from)
  // As in kafkacat, a negative offset counts from the end.
  if (offset < 0) return Math.max(first, last + offset)
  return clamp ? Math.min(Math.max(first, offset), last) : offset
}

function wholeNumber(flag: string, text: string): number {
  if (!/^\d+$/.test(text)) throw usageError(`${flag}: expected a whole number, found "${text}"`)
  return Number(text)
}

type Printer = (record: LogRecord) => string

const printValue: Printer = ({ value }) => `${value}\n`

const printJson: Printer = ({ partition, offset, receivedAt, key, headers, value }) =>
  `${JSON.stringify({
    partition,
    offset,
    received_at: timeOf(receivedAt),
    key: key === null ? null : key.toString(),
    headers: Object.fromEntries(headers.map(([name, text]) => [name, text.toString()])),
    value: jsonOf(value),
  })}\n`

/** The event as an object whose numbers keep their digits; text when it is not JSON. */
function jsonOf(value: Buffer): unknown {
  const text = value.toString()
  const keepDigits = (_key: string, found: unknown, context: { source?: string }) =>
    typeof found === 'number' && context.source !== undefined ? rawJson(context.source) : found
  try {
    return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown)
  } catch {
    return text
  }
}

const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

function timeOf(micros: number): string {
  const ms = Math.floor(micros / 1000)
  return new Date(ms).toISOString().replace('Z', `${String(micros % 1000).padStart(3, '0')}Z`)
}

/** kafkacat's -f: %s value, %k key, %o offset, %p partition, %t topic, %T time in ms, %h headers, and \n \t \\. */
function printAs(format: string, topic: string): Printer {
  const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '0': '\0' }
  return (record) =>
    format.replace(
      /%([skoptTh%])|\\([ntr\\0])/g,
      (_whole, field: string | undefined, escape: string | undefined) =>
        escape === undefined ? fieldOf(record, field!, topic) : escapes[escape]!,
    )
}

function fieldOf(record: LogRecord, field: string, topic: string): string {
  switch (field) {
    case 's':
      return record.value.toString()
    case 'k':
      return record.key === null ? '' : record.key.toString()
    case 'o':
      return String(record.offset)
    case 'p':
      return String(record.partition)
    case 't':
      return topic
    case 'T':
      return String(Math.floor(record.receivedAt / 1000))
    case 'h':
      return record.headers.map(([name, value]) => `${name}=${value}`).join(',')
    default:
      return '%'
  }
}
