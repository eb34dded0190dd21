/** Flips in what the product keeps for itself: ids of the duplicates window, files seen without a name, what runs. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { openSealed } from '../../src/base/sealed-json.ts'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import { Floors } from '../../src/lander/duplicates/floors.ts'
import { IdStore } from '../../src/lander/duplicates/id-store.ts'
import { loadManifest } from '../../src/lander/duplicates/ids-manifest.ts'
import { fingerprint, print } from '../../src/lander/duplicates/prints.ts'
import { SILENT } from '../../src/lander/logger.ts'
import { readUpFile, writeUpFile } from '../../src/pipeline/up-file.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import type { DataDirectory } from '../verify/support.ts'
import { filesIn, type Probe, reading } from './flip-reading.ts'

/** Memory for so few ids that the landed ones are written to disk. */
const FEW_IDS = 4 * 16 * 8

/** `lander/ids`: with what is believed of it every landed id is found where it landed; what is not believed is made anew from the tables. */
export async function idsProbe(data: DataDirectory, ids: readonly string[]): Promise<() => Promise<Probe>> {
  // A batch more, since a lander's start empties the spool.
  await data.send([{ event: { event_type: 'join_guild', guild_name: 'last' }, id: 'last' }])
  await data.land({ settings: { idsMemoryBytes: FEW_IDS } })
  const directory = join(data.places.paths.lander, 'ids')
  const kept = (await loadManifest(directory))!
  const files = [join(directory, 'manifest.json'), ...filesIn(directory, /\.ids$/)]
  if (files.length < 2) throw new Error('no ids were written to disk')
  const find = async () => {
    // What is damaged is removed at once.
    const copy = mkdtempSync(join(tmpdir(), 'landfall-flip-ids-'))
    cpSync(directory, copy, { recursive: true })
    const { table, windowMicros, position } = kept
    const parts = {
      logId: position.logId,
      table,
      windowMicros,
      floors: new Floors(windowMicros),
      logger: SILENT,
    }
    const store = await IdStore.open({ ...parts, directory: copy, memoryBytes: FEW_IDS }, position)
    try {
      const wanted = ids.map((id) => {
        fingerprint(store.seed, id)
        return { ...print, partition: 0, before: Number.MAX_SAFE_INTEGER, offsets: [] as number[] }
      })
      await store.find(wanted)
      return { next: store.position.next, found: wanted.map(({ offsets }) => offsets) }
    } finally {
      await store.close()
      rmSync(copy, { recursive: true, force: true })
    }
  }
  return reading(files, find, { next: {}, found: ids.map(() => []) })
}

/** `metadata/unreferenced.json`: an old file keeps the time at which it was seen, or is seen for the first time now. */
export async function unreferencedProbe(
  data: DataDirectory,
  connection: DuckDBConnection,
): Promise<() => Promise<Probe>> {
  const table = 'purchases'
  const [first] = data.files(table, 'data')
  const memo = join(dirname(data.files(table, 'metadata')[0]!), 'unreferenced.json')
  // A name that no probe of data files takes for one.
  writeFileSync(join(dirname(first!), 'orphan'), 'of nobody')
  const storage = openLocalStorage(data.places.paths.lake)
  const seen = async (atMs: number) => {
    const clock = { nowMicros: () => atMs * 1000, monotonicMs: () => performance.now() }
    const settings = { compactionBytesMax: 0, sweepIntervalMs: 0 }
    const lake = openLake({ catalog: openFileCatalog(storage), storage, clock, settings })
    await lake.maintain(connection, table)
    return openSealed(readFileSync(memo))
  }
  const now = Date.now()
  const orphans = Object.keys(await seen(now))
  const later = now + 60_000
  return reading([memo], () => seen(later), Object.fromEntries(orphans.map((path) => [path, later])))
}

/** `up.json`: what runs, or nothing. */
export function upFileProbe(root: string): () => Promise<Probe> {
  writeUpFile(root, {
    supervisor: process.pid,
    startedAt: '2026-11-22T12:00:00Z',
    pipeline: '/pipelines/game.ts',
    http: 'http://127.0.0.1:8000',
    sql: 'http://127.0.0.1:8080',
    processes: { door: 11, lander: 12, query: 13 },
  })
  return reading([join(root, 'up.json')], async () => readUpFile(root) ?? 'nothing', 'nothing')
}
