/** The pipeline as a picture, with the counts of the batch: from the door by log and lander to the tables. */
import type { Report } from '../report.ts'
import { thousands } from '../words.ts'
import { escapeHtml } from './escape.ts'

const ROW = 34

export function drawingSvg({ frozen: { counters, tables, batch }, ledger, tables: counts }: Report): string {
  const names = [...tables.keys()]
  const height = Math.max(190, 50 + names.length * ROW)
  const middle = height / 2
  const box = (x: number, y: number, width: number, title: string, text: string) =>
    `<rect x="${x}" y="${y - 26}" width="${width}" height="52" rx="8" fill="var(--card)" stroke="var(--c1)" stroke-width="1.5"/>` +
    `<text x="${x + width / 2}" y="${y - 4}" text-anchor="middle" font-weight="600" fill="var(--ink)">${escapeHtml(title)}</text>` +
    `<text x="${x + width / 2}" y="${y + 15}" text-anchor="middle" font-size="12" fill="var(--soft)">${escapeHtml(text)}</text>`
  const arrow = (x1: number, y1: number, x2: number, y2: number) =>
    `<path d="M${x1} ${y1} C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}" fill="none" stroke="var(--soft)" stroke-width="1.5"/>` +
    `<circle cx="${x2}" cy="${y2}" r="3" fill="var(--soft)"/>`
  const rows = names.map((name, i) => {
    const y = middle + (i - (names.length - 1) / 2) * ROW
    const count = counts.get(name)
    const text = count === undefined ? '' : thousands(count)
    return (
      arrow(470, middle, 510, y) +
      `<rect x="510" y="${y - 13}" width="200" height="26" rx="6" fill="var(--card)" stroke="${name === 'dead_letters' && ledger.deadLetters > 0 ? 'var(--c2)' : 'var(--line)'}"/>` +
      `<text x="520" y="${y + 5}" fill="var(--ink)">${escapeHtml(name)}</text><text x="700" y="${y + 5}" text-anchor="end" font-size="12" fill="var(--soft)">${text}</text>`
    )
  })
  const accepted = counters ? `${thousands(counters.records)} accepted` : 'not counted'
  const judged = counters ? `${thousands(counters.duplicate)} duplicates` : ''
  return (
    `<svg role="img" aria-label="The pipeline: collector, log, lander, tables" viewBox="0 0 720 ${height}" xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="14">` +
    box(10, middle, 120, 'collector', 'checks, answers') +
    arrow(130, middle, 170, middle) +
    box(170, middle, 140, 'log', accepted) +
    arrow(310, middle, 350, middle) +
    box(350, middle, 120, 'lander', judged || `batch ${batch}`) +
    rows.join('') +
    '</svg>'
  )
}
