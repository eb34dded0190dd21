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

  const from = await startOf(log, options.from)
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

async function startOf(log: LogReader, from: string): Promise<Position> {
  if (from === 'beginning') return log.start()
  if (from === 'end') return log.end()
  if (!/^-?\d+$/.test(from)) throw usageError(`--from: expected beginning, end or an offset, found "${from}"`)
  const offset = Number(from)
  const [start, end] = await Promise.all([log.start(), log.end()])
  const next: Record<number, number> = {}
  for (const [partition, last] of Object.entries(end.next)) {
    // As in kafkacat, a negative offset counts from the end.
    const first = start.next[Number(partition)] ?? 0
    next[Number(partition)] = offset < 0 ? Math.max(first, last + offset) : offset
  }
  return { logId: log.id, next }
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
