/**
 * `landfall verify --repair`: makes again what is damaged, where the log or other files still have it, and says what it cannot.
 *
 * The lander's lock is held meanwhile, so nothing lands. In this order, since each needs the one before: files of this machine, table
 * metadata (the version before the damaged one), then rows. After each step that changed something everything is looked at again, so what
 * is told at the end is what was seen, not what was meant. Killed in between, it is simply run again: nothing that is whole was touched.
 */

import { existsSync } from 'node:fs'
import type { DuckDBConnection } from '@duckdb/node-api'
import { lockDirectory } from '../../base/lock.ts'
import { property } from '../../lake/lake.ts'
import { loadPlan } from '../../lander/batch-plan.ts'
import { EVENTS_TABLE } from '../../model/pipeline.ts'
import { parsePosition } from '../../model/position.ts'
import type { Places } from '../../pipeline/places.ts'
import { openPlans } from '../../pipeline/plans.ts'
import { type LakeRooms, openLakeAt } from '../../pipeline/rooms.ts'
import type { CheckedTable } from '../check-table.ts'
import type { Finding, VerifyReport } from '../report.ts'
import { inEngine, look, type Verified, type VerifyOptions } from '../verify.ts'
import { landMissing, type Outcome, type RebuildParts, rebuildLost } from './rebuild.ts'
import { repairFiles } from './repair-files.ts'
import { repairMetadata } from './repair-metadata.ts'
import { Shadows } from './shadow.ts'

type Looked = Verified & AsyncDisposable
/** Repairs what it can and writes into the findings what it did. */
type Step = (seen: Looked) => Promise<void>

export async function repairAll(places: Places, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { paths } = places
  const lock = existsSync(paths.lander) ? lockDirectory(paths.lander, 'The lander') : undefined
  try {
    return await inEngine(async (connection) => {
      const told: Finding[] = []
      const steps: Step[] = [
        (seen) => repairFiles(places, seen),
        (seen) => repairMetadata(places, seen),
        (seen) => repairRows(places, seen, connection, options),
      ]
      // A new lake each time: what was remembered of damaged tables must not count.
      const lookAgain = async () => look(places, await openRooms(places), connection, options)
      let seen = await lookAgain()
      try {
        for (const step of steps) {
          await step(seen)
          const done = seen.findings.list.filter(({ repair }) => repair?.done)
          if (done.length === 0) continue
          told.push(...done)
          await seen[Symbol.asyncDispose]()
          seen = await lookAgain()
        }
        const report = seen.findings.report()
        return { ...report, findings: [...told, ...report.findings] }
      } finally {
        await seen[Symbol.asyncDispose]()
      }
    })
  } finally {
    lock?.release()
  }
}

function openRooms(places: Places): Promise<LakeRooms> {
  return openLakeAt(places)
}

async function repairRows(
  places: Places,
  seen: Looked,
  connection: DuckDBConnection,
  { signal = new AbortController().signal }: VerifyOptions,
): Promise<void> {
  const damaged = seen.tables.filter(isDamaged)
  if (damaged.length === 0) return
  const say = (table: CheckedTable, outcome: Outcome) => {
    for (const finding of seen.findings.list) {
      const isOf = finding.table === table.version.name && finding.level === 'damage'
      if (isOf && !finding.message.startsWith('ledger:')) finding.repair ??= outcome
    }
  }
  const parts = await rebuildParts(places, seen, connection, signal)
  if (typeof parts === 'string') {
    for (const table of damaged) say(table, { done: false, message: parts })
    return
  }
  await using _ = parts.shadows
  for (const table of damaged) {
    const lost = table.lost.length > 0 || table.lostManifests.length > 0 || table.lostList
    say(table, lost ? await rebuildLost(parts, table) : await landMissing(parts, table, table.lacking))
  }
}

const isDamaged = ({ lost, lostManifests, lostList, lacking }: CheckedTable) =>
  lost.length > 0 || lostManifests.length > 0 || lostList || lacking > 0

/** What a rebuilding needs, or why there is none. */
async function rebuildParts(
  places: Places,
  { log, tables, rooms, directory }: Looked,
  connection: DuckDBConnection,
  signal: AbortSignal,
): Promise<RebuildParts | string> {
  if (log === undefined) return 'there is no log to make the rows from'
  const events = tables.find(({ version }) => version.name === EVENTS_TABLE.name)
  const position = events?.version.metadata.properties[property.position]
  if (events === undefined || position === undefined) return 'the metadata of events cannot be read'
  const pipeline = await definitionInUse(places, directory.definitions)
  if (pipeline === undefined) return 'no definition of the pipeline is kept here: run it where the lander ran'
  const plans = openPlans(places, rooms.storage)
  return {
    connection,
    lake: rooms.lake,
    log,
    shadows: new Shadows({ log, pipeline, plans, signal }),
    events: {
      position: parsePosition(position),
      batch: Number(events.version.metadata.properties[property.batch] ?? 0),
    },
  }
}

/** That of the last batch, or the newest. */
async function definitionInUse(places: Places, definitions: Verified['directory']['definitions']) {
  const plan = await loadPlan(places.paths.lander).catch(() => undefined)
  return definitions.find(({ hash }) => hash === plan?.definition) ?? definitions.at(-1)
}
