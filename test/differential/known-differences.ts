/**
 * Statements that our door answers otherwise than Trino, by the reason that `docs/reference/sql.md` gives ("Differences from Trino"). A statement
 * that has come to agree must leave the list.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = join(import.meta.dirname, 'known-differences.json')
/** Where `record.ts --known` puts what nobody has looked at yet. */
const UNEXPLAINED = 'unexplained'

export type KnownDifferences = Record<string, string[]>

export function readKnownDifferences(): KnownDifferences {
  return JSON.parse(readFileSync(FILE, 'utf8')) as KnownDifferences
}

/** Keeps the reasons of statements that still differ, drops the others, and adds new ones as unexplained. */
export function writeKnownDifferences(differing: readonly string[]): void {
  const left = new Set(differing)
  const known: KnownDifferences = {}
  for (const [reason, names] of Object.entries(readKnownDifferences())) {
    if (reason === UNEXPLAINED) continue
    const still = names.filter((name) => left.delete(name))
    if (still.length > 0) known[reason] = still
  }
  if (left.size > 0) known[UNEXPLAINED] = [...left]
  writeFileSync(FILE, `${JSON.stringify(known, null, 2)}\n`)
}

/** The reasons that a page of the reference gives: `- **reason**: …` below its heading. */
export function documentedReasons(page: string): string[] {
  const [, section = ''] = page.split(/^## Differences from Trino$/m)
  const [own = ''] = section.split(/^## /m)
  return [...own.matchAll(/^- \*\*([^*]+)\*\*/gm)].map(([, reason]) => reason!)
}
