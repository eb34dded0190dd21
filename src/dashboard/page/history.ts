/** Statements that were asked in this browser, the newest first. */
import { remember, remembered } from './theme.ts'

const KEY = 'landfall.history'
const KEPT = 50

export function readHistory(): string[] {
  try {
    const kept: unknown = JSON.parse(remembered(KEY) ?? '[]')
    return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

export function addToHistory(sql: string): void {
  const kept = [sql, ...readHistory().filter((one) => one !== sql)].slice(0, KEPT)
  remember(KEY, JSON.stringify(kept))
}
