/** Statements that were asked in this browser, the newest first. */
import { remember, remembered } from './theme.ts'

const KEY = 'landfall.history'
const KEPT = 50
/** A browser keeps about five million for all of a site, and then nothing more. */
const CHARACTERS_MAX = 500_000

export function readHistory(): string[] {
  try {
    const kept: unknown = JSON.parse(remembered(KEY) ?? '[]')
    return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

export function addToHistory(sql: string): void {
  const all = [sql, ...readHistory().filter((one) => one !== sql)].slice(0, KEPT)
  let left = CHARACTERS_MAX
  const kept = all.filter(({ length }) => length <= left && (left -= length) >= 0)
  remember(KEY, JSON.stringify(kept))
}
