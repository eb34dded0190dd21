/** The report of a crash test for people. */

import { VICTIMS } from './pipeline-copy.ts'
import type { Kill, KillReport } from './run-kill.ts'

/** Ids that are named in full. */
const NAMED_MAX = 5

export function formatKillReport(report: KillReport, pipeline: string): string {
  const { seed, kills, requests, answered, audit, ledger } = report
  const { accepted, landed, dead, duplicate, pending } = ledger.total
  const lines = [
    `${kills.length} kills (${victimsOf(kills)})`,
    `requests  ${requests.sent} sent = ${requests.answered} answered + ${requests.refused} refused + ${requests.unanswered} without an answer`,
    `ledger    ${accepted} accepted = ${landed} landed + ${dead} dead letters + ${duplicate} duplicates + ${pending} pending`,
    ...ledger.findings.map(({ message }) => `          does not close: ${message}`),
    `answered  ${answered} events: ${audit.lost.length} lost, ${audit.doubled.length} doubled`,
    ...audit.tables.map(
      ({ table, rows, missing, extra }) =>
        `          ${table}: ${rows} rows, ${missing} missing, ${extra} too many`,
    ),
    `door      back after ${backOf(kills)}`,
    ...named('lost', audit.lost),
    ...named('doubled', audit.doubled),
  ]
  const again = `landfall verify ${pipeline} --kill ${kills.length} --seed ${seed}`
  lines.push(
    report.passed ? `passed (seed ${seed})` : `FAILED: data is kept in ${report.data}; again: ${again}`,
  )
  return `${lines.join('\n')}\n`
}

function victimsOf(kills: readonly Kill[]): string {
  const counted = VICTIMS.map((name) => [name, kills.filter(({ victim }) => victim === name).length] as const)
  return counted
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

function backOf(kills: readonly Kill[]): string {
  const sorted = kills.map(({ doorBackMs }) => doorBackMs).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return `${at(0.5)} ms (median), ${at(1)} ms (longest)`
}

function named(what: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return []
  const more = ids.length > NAMED_MAX ? `, and ${ids.length - NAMED_MAX} more` : ''
  return [`${what.padEnd(10)}${ids.slice(0, NAMED_MAX).join(', ')}${more}`]
}
