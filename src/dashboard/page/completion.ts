/** What the word before the cursor may become: tables behind FROM and JOIN, else columns of the tables that the statement names. */
import type { Names } from '../messages.ts'

export interface Completions {
  /** Where the word begins in the text. */
  start: number
  words: string[]
}

const WORDS_MAX = 8
const NOTHING: Completions = { start: 0, words: [] }

export function complete(names: Names, text: string, cursor: number, asked: boolean): Completions {
  const before = text.slice(0, cursor)
  if (isInside(before)) return NOTHING
  const word = /["\w]*$/.exec(before)![0]
  const start = cursor - word.length
  const owner = /(\w+)"?\.$/.exec(before.slice(0, start))?.[1]
  if (word.length < 2 && !asked && owner === undefined) return NOTHING
  const wanted = word.replace('"', '').toLowerCase()
  const found = candidates(names, text, before.slice(0, start), owner).filter(
    (one) => one.toLowerCase().startsWith(wanted) && one.toLowerCase() !== wanted,
  )
  const isUpper = word !== '' && word === word.toUpperCase()
  const keywords = new Set(names.keywords)
  const cased = found.map((one) =>
    keywords.has(one) ? (isUpper ? one.toUpperCase() : one.toLowerCase()) : quoted(one),
  )
  return { start, words: [...new Set(cased)].slice(0, WORDS_MAX) }
}

/** In a text or a comment there is nothing to complete. */
function isInside(before: string): boolean {
  const rest = before.replace(/'(?:[^']|'')*'/g, '').replace(/--[^\n]*\n/g, '')
  return rest.includes("'") || /--[^\n]*$/.test(rest)
}

function candidates(
  { tables, keywords, functions }: Names,
  text: string,
  before: string,
  owner: string | undefined,
): string[] {
  const ofTable = tables.find(({ name }) => name === owner)
  if (owner !== undefined) return ofTable?.columns ?? tables.flatMap(({ columns }) => columns)
  const tableNames = tables.map(({ name }) => name)
  if (/\b(from|join|table|describe|show\s+columns\s+from)\s+$/i.test(before)) return tableNames
  const named = tables.filter(({ name }) =>
    new RegExp(`\\b${name.replace(/\W/g, '\\$&')}\\b`, 'i').test(text),
  )
  const columns = (named.length > 0 ? named : tables).flatMap((table) => table.columns)
  return [...columns, ...tableNames, ...keywords, ...functions]
}

function quoted(name: string): string {
  return /^[a-z_]\w*$/i.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
