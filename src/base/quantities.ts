/** Durations and sizes as people write them (`10 s`, `7 days`, `64 MB`), as milliseconds and bytes, and back. */
import { LandfallError } from './errors.ts'

/** Each unit with the spellings it may have. */
const DURATIONS: [number, RegExp][] = [
  [1, /^(ms|millis|milliseconds?)$/],
  [1000, /^(s|sec|seconds?)$/],
  [60_000, /^(m|min|minutes?)$/],
  [3_600_000, /^(h|hours?)$/],
  [86_400_000, /^(d|days?)$/],
]
const BYTES: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** `10s`, `1.5 min`, `7 days`, or a number of milliseconds → milliseconds. Throws `config/invalid`. */
export function parseDuration(text: string | number): number {
  if (typeof text === 'number') return finite(text, 'a duration in milliseconds')
  const found = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text)
  const unit = found?.[2]!.toLowerCase() ?? ''
  const factor = DURATIONS.find(([, spelling]) => spelling.test(unit))?.[0]
  if (found && factor) return Number(found[1]) * factor
  throw expected('a duration such as 500ms, 10s, 5min, 12h or 7d', text)
}

/** `64MB`, `1.5 GiB`, or a number of bytes → bytes. Throws `config/invalid`. */
export function parseBytes(text: string | number): number {
  if (typeof text === 'number') return finite(text, 'a size in bytes')
  const found = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text)
  const factor = found ? BYTES[found[2]!.toLowerCase() || 'b'] : undefined
  if (found && factor) return Math.round(Number(found[1]) * factor)
  throw expected('a size such as 500KB, 64MB or 2GiB', text)
}

function finite(value: number, what: string): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw expected(what, String(value))
}

export function expected(what: string, found: string): LandfallError {
  return new LandfallError('fix-config', 'config/invalid', `expected ${what}, found "${found}"`)
}

/** Milliseconds as the shortest exact text that `parseDuration` reads: `10s`, `5m`, `7d`, `250ms`. */
export function formatDuration(ms: number): string {
  const units: [string, number][] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ]
  const unit = units.find(([, factor]) => ms >= factor && ms % factor === 0)
  return unit ? `${ms / unit[1]}${unit[0]}` : `${ms}ms`
}

/** Bytes as an exact text that `parseBytes` reads: `64MB`, `16GiB`, `123B`. */
export function formatBytes(bytes: number): string {
  for (const [name, factor] of [
    ['TiB', 2 ** 40],
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['GB', 1e9],
    ['MB', 1e6],
    ['KiB', 2 ** 10],
    ['KB', 1e3],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${name}`
  }
  return `${bytes}B`
}

/** Bytes for people, as `ls -h` and `hadoop fs -ls -h` show them: `3.9 K`, `12.4 M`. */
export function humanBytes(bytes: number): string {
  const units = ['', 'K', 'M', 'G', 'T', 'P']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return unit === 0 ? String(bytes) : `${value.toFixed(1)} ${units[unit]}`
}
