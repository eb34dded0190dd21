/**
 * Statements that our door answers otherwise than Trino, by the reason that `docs/reference/sql.md` gives ("Differences from Trino"). A statement
 * that has come to agree must leave the list.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isKind } from './kinds.ts'

const FILE = join(import.meta.dirname, 'known-differences.json')
/** Where `record.ts --known` puts what nobody has looked at yet. */
const UNEXPLAINED = 'unexplained'

export type KnownDifferences = Record<string, string[]>

export function readKnownDifferences(): KnownDifferences {
  return JSON.parse(readFileSync(FILE, 'utf8')) as KnownDifferences
}

/** Keeps the reasons of statements that still differ, drops the others; the kind of a new one is told by its look, or it is unexplained. */
export function writeKnownDifferences(differing: ReadonlyMap<string, string | undefined>): void {
  const before = readKnownDifferences()
  const reasons = new Map(
    Object.entries(before).flatMap(([reason, names]) => names.map((name) => [name, reason])),
  )
  const known: KnownDifferences = {}
  for (const [name, kind] of differing) {
    const before = reasons.get(name)
    const reason = kind ?? (before === undefined || isKind(before) ? UNEXPLAINED : before)
    known[reason] = [...(known[reason] ?? []), name]
  }
  const sorted = Object.entries(known).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`)
}

/** The reasons that a page of the reference gives: `- **reason**: …` below its heading. */
export function documentedReasons(page: string): string[] {
  const [, section = ''] = page.split(/^## Differences from Trino$/m)
  const [own = ''] = section.split(/^## /m)
  return [...own.matchAll(/^- \*\*([^*]+)\*\*/gm)].map(([, reason]) => reason!)
}
