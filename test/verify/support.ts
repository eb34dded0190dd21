/** A data directory as a stopped pipeline leaves it: a log, tables that landed in several batches, a spool, state. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import type { Lake } from '../../src/lake/lake.ts'
import { type LanderOptions, openLander } from '../../src/lander/lander.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import { savePlan } from '../../src/model/plan-store.ts'
import { recordHeader } from '../../src/model/record.ts'
import { keepNamed } from '../../src/pipeline/named.ts'
import { ownPlaces, type Places } from '../../src/pipeline/places.ts'
import { openPlans } from '../../src/pipeline/plans.ts'
import { openLakeAt, openStorageAt } from '../../src/pipeline/rooms.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { game, NOON } from '../lander/support.ts'

export class DataDirectory implements Disposable {
  readonly root: string
  readonly places: Places

  /** `elsewhere`: where its storage and catalog are. */
  constructor(copyOf?: DataDirectory, elsewhere: Partial<Places> = {}) {
    this.root = mkdtempSync(join(tmpdir(), 'landfall-data-'))
    if (copyOf !== undefined) cpSync(copyOf.root, this.root, { recursive: true })
    this.places = { ...ownPlaces(this.root), ...elsewhere }
  }

  openLake(): Lake {
    const storage = openLocalStorage(this.places.paths.lake)
    return openLake({ catalog: openFileCatalog(storage), storage })
  }

  /** Appends events, as a door would. */
  async send(events: readonly { event: unknown; id: string }[]): Promise<void> {
    await savePlan(openPlans(this.places, await openStorageAt(this.places)), game.plan)
    await using log = await openEmbeddedLog({ directory: this.places.paths.log })
    for (const [i, { event, id }] of events.entries()) {
      await log.append([
        {
          key: null,
          value: Buffer.from(JSON.stringify(event)),
          receivedAt: NOON + i,
          headers: [
            [recordHeader.eventId, id],
            [recordHeader.plan, game.plan.version],
          ],
        },
      ])
    }
  }

  async land(options: Partial<LanderOptions> = {}): Promise<void> {
    const { paths } = this.places
    const { lake, storage } = await openLakeAt(this.places)
    await using log = await openEmbeddedReader({ directory: paths.log })
    await using lander = await openLander({
      pipeline: game,
      log,
      lake,
      directory: paths.lander,
      spoolDirectory: paths.spool,
      plans: openPlans(this.places, storage),
      ...options,
    })
    await lander.landToEnd()
    await keepNamed(this.root, { views: [], reference: [] })
  }

  /** Paths of a table's files, sorted. */
  files(table: string, part: 'data' | 'metadata'): string[] {
    const folder = join(this.places.paths.lake, 'default', table, part)
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name))
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** Turns a bit of a file, in its middle. */
export function flip(file: string): void {
  const bytes = readFileSync(file)
  bytes[bytes.length >> 1]! ^= 8
  writeFileSync(file, bytes)
}

/** Purchases, guilds, a dead letter and a duplicate, in `batches` batches. */
export async function landedDirectory(batches = 3, elsewhere: Partial<Places> = {}): Promise<DataDirectory> {
  const data = new DataDirectory(undefined, elsewhere)
  for (let batch = 0; batch < batches; batch++) {
    await data.send([
      { event: { event_type: 'purchase_sword', type: 'sabre', cost: batch }, id: `s${batch}` },
      { event: { event_type: 'purchase_sword', type: 'foil', cost: null }, id: `f${batch}` },
      { event: { event_type: 'join_guild', guild_name: 'grubs', members: batch }, id: `g${batch}` },
      { event: { event_type: 'join_guild', guild_name: 7 }, id: `d${batch}` },
      { event: { event_type: 'purchase_sword', type: 'sabre', cost: batch }, id: `s${batch}` },
    ])
    await data.land()
  }
  return data
}
