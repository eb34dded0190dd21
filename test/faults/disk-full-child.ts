/**
 * A disk that is full for a while, the real thing: run in a mount namespace of its own, it mounts a small tmpfs, starts `landfall up` there,
 * loads it, fills the disk, waits, frees it. `disk-full-child.ts DIRECTORY FULL_MS`; its answer is a JSON line on stdout.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { startLandfall, until, wait } from '../support/landfall.ts'
import type { DiskFullReport } from './disk-full.ts'

const directory = process.argv[2]!
const fullMs = Number(process.argv[3])
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=192m', 'none', directory])
const data = join(directory, 'data')
const filler = join(directory, 'filler')
await using landfall = Object.assign(
  await startLandfall('examples/game/pipeline.ts', { data, readyMs: 180_000 }),
  {
    [Symbol.asyncDispose]: async () => void (await landfall.stop()),
  },
)
const before = landfall.up()
const answered: string[] = []
let sent = 0
let refused = 0
const statuses = new Set<number>()

/** One sword; its name, or the status that refused it. */
async function buy(): Promise<string | number> {
  const name = `s${sent++}`
  const { ok, status } = await fetch(`${landfall.http}/purchase_a_sword/${name}`)
  if (ok) answered.push(name)
  else {
    refused += 1
    statuses.add(status)
  }
  return ok ? name : status
}

const isSeen = async (name: string) => {
  const rows = await landfall.query(`select count(*) as n from events where raw_event like '%"${name}"%'`)
  return rows[0]!['n'] === 1
}

for (let i = 0; i < 200; i++) await buy()
fill()
await until('the door to refuse', async () => typeof (await buy()) === 'number', 180_000)
for (const full = performance.now(); performance.now() - full < fullMs; await wait(20)) await buy()
unlinkSync(filler)
const freed = performance.now()
const first = await until(
  'the door to take events again',
  async () => {
    const outcome = await buy()
    return typeof outcome === 'string' ? outcome : undefined
  },
  180_000,
)
const doorMs = performance.now() - freed
await until('SQL to see them', () => isSeen(first), 180_000)
const sqlMs = performance.now() - freed
const after = landfall.up()
const rows = await landfall.query(
  `select json_extract_scalar(raw_event, '$.type') as name, count(*) as n from events group by 1`,
)
const times = new Map(rows.map((row) => [String(row['name']), Number(row['n'])]))
const report: DiskFullReport = {
  answered: answered.length,
  refused,
  statuses: [...statuses],
  fullMs,
  doorMs: Math.round(doorMs),
  sqlMs: Math.round(sqlMs),
  restarted: JSON.stringify(before.processes) !== JSON.stringify(after.processes),
  lost: answered.filter((name) => !times.has(name)).length,
  doubled: [...times.values()].filter((n) => n > 1).length,
  closes: await closes(),
}
process.stdout.write(`${JSON.stringify(report)}\n`)

/** To the last byte. */
function fill(): void {
  const fd = openSync(filler, 'w')
  for (let size = 1 << 20; size >= 1; ) {
    try {
      if (writeSync(fd, Buffer.alloc(size)) < size) size >>= 1
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      size >>= 1
    }
  }
  closeSync(fd)
}

async function closes(): Promise<boolean> {
  await using log = await openEmbeddedReader({ directory: join(data, 'log') })
  const storage = openLocalStorage(join(data, 'lake'))
  return (await readLedger({ log, lake: openLake({ catalog: openFileCatalog(storage), storage }) })).closes
}
