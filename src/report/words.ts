/** Numbers and values as a reader sees them; the same on every machine. */
import type { Value } from '../sql/sql.ts'

export function thousands(value: number | bigint): string {
  const [whole = '', rest] = String(value).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
  return rest === undefined ? grouped : `${grouped}.${rest}`
}

export function percent(share: number): string {
  if (!Number.isFinite(share)) return 'none'
  const value = share * 100
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`
}

/** Name of a column as a reader sees it. */
export function headingText(name: string): string {
  return name.replaceAll('_', ' ').replace(/\bsubject(s?)\b/, 'person$1')
}

export function cellText(value: Value, type = ''): string {
  if (value === null) return ''
  if (typeof value === 'bigint') return thousands(value)
  if (typeof value === 'number') {
    if (type === 'share') return percent(value)
    return thousands(Number.isInteger(value) ? value : Number(value.toFixed(Math.abs(value) < 1 ? 4 : 2)))
  }
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}
