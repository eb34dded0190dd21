import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { repairAll } from '../../src/verify/repair/repair.ts'
import { verify } from '../../src/verify/verify.ts'
import { DataDirectory, flip, landedDirectory } from './support.ts'

let prepared: DataDirectory
beforeAll(async () => {
  prepared = await landedDirectory()
}, 120_000)
afterAll(() => prepared[Symbol.dispose]())

/** A lake names its files by absolute paths, so each test works on the one directory and puts back what it changed. */
async function changed<T>(work: (data: DataDirectory) => Promise<T>): Promise<T> {
  const before = new DataDirectory(prepared)
  try {
    return await work(prepared)
  } finally {
    rmSync(prepared.root, { recursive: true, force: true })
    const { cpSync } = await import('node:fs')
    cpSync(before.root, prepared.root, { recursive: true })
    before[Symbol.dispose]()
  }
}

const ROWS = [
  { table: 'events', rows: 9 },
  { table: 'dead_letters', rows: 3 },
  { table: 'guilds', rows: 3 },
  { table: 'purchases', rows: 6 },
  { table: 'sword_purchases', rows: 6 },
]

const rowsOf = (report: { tables: unknown[] }) => [...report.tables]

test('a directory that nothing has touched is right, to the last row', async () => {
  const report = await verify(prepared.places)
  expect(report.findings.filter(({ level }) => level === 'damage')).toEqual([])
  expect(report).toMatchObject({ ok: true, unchecked: { files: 0 } })
  expect(rowsOf(report)).toEqual(expect.arrayContaining(ROWS))
})

test('each part tells how far it is, up to all of it', async () => {
  const told = new Map<string, [done: number, total: number][]>()
  await verify(prepared.places, {
    onProgress: (stage, done, total) => void told.set(stage, [...(told.get(stage) ?? []), [done, total]]),
  })
  expect([...told.keys()]).toEqual(['files', 'log', 'rows'])
  for (const [stage, steps] of told) {
    const total = steps[0]![1]
    expect(total, stage).toBeGreaterThan(0)
    expect(steps.at(-1), stage).toEqual([total, total])
    expect(steps, stage).toEqual(steps.toSorted(([a], [b]) => a - b))
  }
  expect(told.get('rows')![0]).toEqual([0, ROWS.length])
})

test.for([['purchases'], ['events'], ['dead_letters']])(
  'a data file of %s that is damaged or gone is told with its rows, and made again from the log',
  async ([table]) => {
    for (const harm of [flip, (file: string) => rmSync(file)]) {
      await changed(async (data) => {
        harm(data.files(table!, 'data')[0]!)
        const report = await verify(data.places)
        expect(report.ok).toBe(false)
        expect(report.findings.filter(({ level }) => level === 'damage')).toEqual([
          expect.objectContaining({ table, rows: expect.any(Number), days: ['2026-11-22'], repair: null }),
        ])
        expect(report.findings[0]!.offsets).toHaveLength(1)
        const repaired = await repairAll(data.places)
        expect(repaired.findings[0]).toMatchObject({ repair: { done: true } })
        expect(repaired.ok).toBe(true)
        expect(rowsOf(repaired)).toEqual(expect.arrayContaining(ROWS))
        // Read again, from what is there.
        const again = await verify(data.places)
        expect(again).toMatchObject({ ok: true })
        await data.land()
        expect(rowsOf(await verify(data.places))).toEqual(expect.arrayContaining(ROWS))
      })
    }
  },
)

test.for([['snap-'], ['-m0-']])('a damaged %s… of the current snapshot is rebuilt', async ([mark]) => {
  await changed(async (data) => {
    const state = (await data.openLake().load('purchases'))!
    const list = state.metadata.snapshots.at(-1)!['manifest-list']
    const storage = openLocalStorage(data.places.paths.lake)
    const { TableFiles } = await import('../../src/lake/table-files.ts')
    const files = new TableFiles(storage)
    const manifests = await files.manifests(state.metadata.snapshots.at(-1))
    const url = mark === 'snap-' ? list : manifests[0]!.url
    flip(url.slice('file://'.length))
    const report = await verify(data.places)
    expect(report.findings[0]).toMatchObject({ level: 'damage', table: 'purchases', file: url })
    const repaired = await repairAll(data.places)
    expect(repaired.findings[0]).toMatchObject({ repair: { done: true } })
    expect(repaired).toMatchObject({ ok: true })
    expect(rowsOf(repaired)).toEqual(expect.arrayContaining(ROWS))
  })
})

test.for([['purchases'], ['events'], ['guilds']])(
  'the newest metadata of %s that is damaged is taken back, and no row is lost',
  async ([table]) => {
    await changed(async (data) => {
      const versions = data
        .files(table!, 'metadata')
        .filter((name) => name.endsWith('.metadata.json'))
        .sort((a, b) => Number(/v(\d+)\./.exec(a)![1]) - Number(/v(\d+)\./.exec(b)![1]))
      flip(versions.at(-1)!)
      expect(await verify(data.places)).toMatchObject({ ok: false })
      const repaired = await repairAll(data.places)
      expect(repaired.findings[0]).toMatchObject({ table, repair: { done: true } })
      // `events` was taken back by a batch, which the next lander finishes.
      await data.land()
      const report = await verify(data.places)
      expect(report.findings.filter(({ level }) => level === 'damage')).toEqual([])
      expect(rowsOf(report)).toEqual(expect.arrayContaining(ROWS))
    })
  },
)

test('files of this machine are told, and made again where something else knows what they said', async () => {
  await changed(async (data) => {
    const { paths } = data.places
    const files = [
      join(paths.log, 'log.json'),
      join(paths.lander, 'plan.json'),
      paths.named,
      join(paths.spool, 'manifest.json'),
    ]
    for (const file of files) flip(file)
    const report = await verify(data.places)
    const told = report.findings.filter(({ level }) => level === 'damage').map(({ file }) => file)
    expect(told).toEqual(expect.arrayContaining(files))
    const repaired = await repairAll(data.places)
    expect(repaired).toMatchObject({ ok: true })
    expect(existsSync(files[1]!)).toBe(false)
    await data.land()
    expect(await verify(data.places)).toMatchObject({ ok: true })
  })
})

test('damage of the log is told with its offsets, and nothing is invented for it', async () => {
  await changed(async (data) => {
    const { readdirSync } = await import('node:fs')
    const segment = readdirSync(data.places.paths.log)
      .filter((name) => name.endsWith('.log'))
      .sort()[0]!
    const file = join(data.places.paths.log, segment)
    const bytes = readFileSync(file)
    // Within the first record.
    bytes[80]! ^= 1
    writeFileSync(file, bytes)
    const report = await verify(data.places)
    expect(report.findings[0]).toMatchObject({ file, offsets: [{ partition: 0, from: 0, to: 1 }] })
    const repaired = await repairAll(data.places)
    expect(repaired.ok).toBe(false)
    expect(readFileSync(file)).toEqual(bytes)
  })
})
