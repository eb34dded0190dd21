/** Rounds of ingest, landing, compaction, expiry, removal and trimming of the log. */
import { nextOffset } from '../../src/model/position.ts'
import { landedPosition } from '../../src/pipeline/known-end.ts'
import { kinds, recordOf } from './events.ts'
import type { Journal } from './journal.ts'
import type { World } from './world.ts'

const DAY_MICROS = 86_400_000_000

export interface WorkloadOptions {
  /** Of this run, different from that of any other on the same directory. */
  name: string
  rounds: number
  random: () => number
  /** Told of what was sent, before, and of what was acknowledged, after. */
  onMark?: (data: { sent: readonly string[] } | { acknowledged: readonly string[] }) => void
}

export async function work(world: World, journal: Journal, options: WorkloadOptions): Promise<void> {
  const tables = (await world.lake.listTables()).sort()
  const first = Math.floor(options.random() * tables.length)
  for (let round = 0; round < options.rounds; round++) {
    await Promise.all([0, 1, 2].map((sender) => send(world, journal, options, `${round}.${sender}`)))
    await world.lander.landToEnd()
    for (const turn of [0, 1]) {
      const table = tables[(first + round * 2 + turn) % tables.length]!
      await world.lake.maintain(world.connection, table)
    }
    const landed = await landedPosition(world.catalog)
    if (landed !== undefined && nextOffset(landed, 0) > 0) await world.log.trim(landed)
  }
}

/** One request: some new events, and now and then one that was acknowledged before, again. */
async function send(
  { log, clock, pipeline }: World,
  journal: Journal,
  { name, random, onMark }: WorkloadOptions,
  request: string,
): Promise<void> {
  const ids = Array.from(
    { length: 1 + Math.floor(random() * 4) },
    (_, i) => `${kinds[Math.floor(random() * kinds.length)]}-${name}-${request}.${i}`,
  )
  const known = [...journal.acknowledged]
  const again = known.length > 0 && random() < 0.5 ? [known[Math.floor(random() * known.length)]!] : []
  // Of another day than the rest, so that a batch has rows of two partitions.
  const before = random() < 0.2 ? DAY_MICROS : 0
  const records = [...ids, ...again].map((id, i) =>
    recordOf(id, clock.nowMicros() - (i === 0 ? before : 0), pipeline.plan.version),
  )
  journal.send(ids)
  onMark?.({ sent: ids })
  await log.append(records)
  journal.acknowledge(ids)
  onMark?.({ acknowledged: ids })
}
