/** Patterns of dates: MySQL's (`date_format`, `date_parse`) and Joda's (`format_datetime`, `parse_datetime`) as DuckDB's strftime. */
import { Refusal } from '../context.ts'
import type { SyntaxNode } from '../syntax-tree.ts'

const MYSQL: Record<string, string> = {
  a: '%a',
  b: '%b',
  c: '%-m',
  d: '%d',
  e: '%-d',
  f: '%f',
  H: '%H',
  h: '%I',
  I: '%I',
  i: '%M',
  j: '%j',
  k: '%-H',
  l: '%-I',
  M: '%B',
  m: '%m',
  p: '%p',
  r: '%I:%M:%S %p',
  S: '%S',
  s: '%S',
  T: '%H:%M:%S',
  v: '%V',
  W: '%A',
  x: '%G',
  Y: '%Y',
  y: '%y',
  '%': '%%',
}
const PARSED: Record<string, string> = { c: '%m', e: '%d', k: '%H', l: '%I' }

export function fromMysql(pattern: string, node: SyntaxNode, parses: boolean): string {
  return pattern.replace(/%(.)/gs, (whole, letter: string) => {
    const found = (parses ? PARSED[letter] : undefined) ?? MYSQL[letter]
    if (found !== undefined) return found
    if ('DUuVwX'.includes(letter))
      throw new Refusal('sql/invalid-argument', `${whole} not supported in date format string`, node.start)
    return letter
  })
}

const JODA: Record<string, (length: number) => string | undefined> = {
  y: (n) => (n === 2 ? '%y' : '%Y'),
  Y: (n) => (n === 2 ? '%y' : '%Y'),
  x: () => '%G',
  M: (n) => (n === 1 ? '%-m' : n === 2 ? '%m' : n === 3 ? '%b' : '%B'),
  d: (n) => (n === 1 ? '%-d' : '%d'),
  D: (n) => (n === 1 ? '%-j' : '%j'),
  w: (n) => (n === 2 ? '%V' : undefined),
  e: (n) => (n === 1 ? '%u' : undefined),
  E: (n) => (n <= 3 ? '%a' : '%A'),
  H: (n) => (n === 1 ? '%-H' : '%H'),
  h: (n) => (n === 1 ? '%-I' : '%I'),
  m: (n) => (n === 1 ? '%-M' : '%M'),
  s: (n) => (n === 1 ? '%-S' : '%S'),
  S: (n) => (n === 3 ? '%g' : n === 6 ? '%f' : undefined),
  a: () => '%p',
}

/** `zone`: where what is formatted is seen; undefined when something is parsed. */
export function fromJoda(pattern: string, node: SyntaxNode, zone: string | undefined): string {
  return pattern.replace(/'((?:[^']|'')*)'|([A-Za-z])\2*|%/g, (whole, quoted?: string, letter?: string) => {
    if (whole === '%') return '%%'
    if (quoted !== undefined) return quoted === '' ? "'" : quoted.replaceAll("''", "'").replaceAll('%', '%%')
    const found =
      letter === 'Z' || letter === 'z' ? zonePart(letter, whole.length, zone) : JODA[letter!]?.(whole.length)
    if (found !== undefined) return found
    throw new Refusal('sql/not-supported', `'${whole}' in a pattern of dates is not supported`, node.start)
  })
}

function zonePart(letter: string, length: number, zone: string | undefined): string | undefined {
  if (zone === undefined) return letter === 'Z' ? '%z' : undefined
  if (zone === 'UTC') return letter === 'z' ? 'UTC' : length === 1 ? '+0000' : length === 2 ? '+00:00' : 'UTC'
  return length >= 3 ? zone : undefined
}
