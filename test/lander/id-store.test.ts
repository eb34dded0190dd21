import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { DISORDER_MICROS, Floors } from '../../src/lander/duplicates/floors.ts'
import { IdStore } from '../../src/lander/duplicates/id-store.ts'
import { fingerprint, print } from '../../src/lander/duplicates/prints.ts'
import { SILENT } from '../../src/lander/logger.ts'
import { testSeed } from '../support/seed.ts'

// The ids against a model that remembers everything: tiny tables, so that they are written out, merged and let go of all the time.

// In memory where there is a disk of memory: thousands of syncs, of which none is what is tested here.
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'landfall-ids-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const seed = testSeed(43)
const WINDOW = 600_000_000
const LOG = 'log-1'
const PARTITIONS = 3

function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

interface Added {
  id: string
  partition: number
  offset: number
  received: number
}

/** A store beside everything that was ever added to it, and where the tables stand. */
class Ids {
  readonly added: Added[] = []
  readonly next: Record<number, number> = {}
  committed: Record<number, number> = {}
  now = 0
  directory: string
  store!: IdStore
  floors!: Floors
  #random: (below: number) => number

  constructor(directory: string, random: (below: number) => number) {
    this.directory = directory
    this.#random = random
  }

  /** As a lander that starts: what is not committed is gone, and what the runs are not complete for comes from the tables. */
  async open(windowMicros = WINDOW, table = 'events-1'): Promise<number> {
    this.floors = new Floors(windowMicros)
    const { directory, floors } = this
    const parts = {
      directory,
      logId: LOG,
      table,
      windowMicros,
      floors,
      memoryBytes: 4 * 16 * 20,
      logger: SILENT,
    }
    this.store = await IdStore.open(parts, { logId: LOG, next: this.committed })
    const lost = this.added.findIndex(({ partition, offset }) => offset >= (this.committed[partition] ?? 0))
    if (lost >= 0) {
      const kept = this.added.filter(({ partition, offset }) => offset < (this.committed[partition] ?? 0))
      this.added.splice(0, this.added.length, ...kept)
    }
    Object.assign(this.next, this.committed)
    const behind = this.added.filter(
      ({ partition, offset }) => offset >= (this.store.position.next[partition] ?? 0),
    )
    for (const { id, partition, offset, received } of behind) {
      floors.see(partition, offset + 1, received)
      fingerprint(this.store.seed, id)
      this.store.table.add(partition, offset)
      if (this.store.isFull) this.store.freeze({}, this.committed)
      await this.store.room()
    }
    await this.store.filled({ logId: LOG, next: { ...this.committed } })
    return behind.length
  }

  /** Notes some records, new ones for the most part. */
  async note(records: number): Promise<void> {
    const partition = this.#random(PARTITIONS)
    for (let i = 0; i < records; i++) {
      // Times run backwards by up to half an hour.
      const received = this.now - this.#random(DISORDER_MICROS / 2)
      this.now += this.#random(4_000_000)
      const offset = this.next[partition] ?? 0
      const id = `id${this.#random(3000)}`
      if (this.store.isFull) this.store.freeze(this.next, this.next)
      fingerprint(this.store.seed, id)
      const { high, low } = print
      const isKnown =
        this.store.hasElsewhere(high, low, partition) || this.store.table.hasOrAdd(partition, offset)
      if (!isKnown && this.#knows(id, partition))
        throw new Error(`${id} of partition ${partition} is not found`)
      // A candidate is decided by the records; here every one is a first one.
      if (isKnown) this.store.table.add(partition, offset)
      this.added.push({ id, partition, offset, received })
      this.next[partition] = offset + 1
      this.floors.see(partition, offset + 1, received)
    }
    await this.store.room()
  }

  commit(): void {
    this.committed = { ...this.next }
    this.store.committed({ logId: LOG, next: this.committed })
  }

  #knows(id: string, partition: number): boolean {
    const floor = this.floors.of(partition)
    return this.added.some((one) => one.id === id && one.partition === partition && one.offset >= floor)
  }

  /** Every id is found where it was added and nowhere else. */
  async check(): Promise<void> {
    const ids = [...new Set(this.added.map(({ id }) => id)), 'never', 'seen']
    const wanted = ids.map((id, i) => {
      fingerprint(this.store.seed, id)
      const partition = i % PARTITIONS
      return {
        ...print,
        partition,
        before: this.#random((this.next[partition] ?? 0) + 2),
        offsets: [] as number[],
      }
    })
    await this.store.find(wanted)
    const byId = Map.groupBy(this.added, ({ id }) => id)
    for (const [i, { partition, before, offsets }] of wanted.entries()) {
      const floor = this.floors.of(partition)
      const expected = (byId.get(ids[i]!) ?? [])
        .filter((one) => one.partition === partition && one.offset < before && one.offset >= floor)
        .map(({ offset }) => offset)
      const found = [...new Set(offsets)].sort((a, b) => a - b)
      if (JSON.stringify(found) !== JSON.stringify(expected))
        throw new Error(`${ids[i]} in partition ${partition}: expected ${expected}, found ${found}`)
    }
  }

  /** What a crash at this moment leaves. */
  crash(into: string): Ids {
    cpSync(this.directory, into, { recursive: true })
    const copy = new Ids(into, this.#random)
    copy.added.push(...this.added)
    copy.committed = { ...this.committed }
    copy.now = this.now
    return copy
  }
}

const runsIn = (directory: string) => readdirSync(directory).filter((name) => name.endsWith('.ids'))

test('whatever is noted, committed, and killed in between: every id of the window is found, and no other', async () => {
  let most = 0
  for (let round = 0; round < 6; round++) {
    const random = randomOf(seed + round)
    let ids = new Ids(join(root, `random-${round}`), random)
    await ids.open()
    for (let step = 0; step < 120; step++) {
      const what = random(20)
      if (what < 13) await ids.note(1 + random(60))
      else if (what < 17) ids.commit()
      else if (what < 18) await ids.store.settled()
      else if (what < 19) await ids.check()
      else {
        const left = ids.crash(join(root, `random-${round}-${step}`))
        await ids.check()
        await ids.store.close()
        rmSync(ids.directory, { recursive: true })
        ids = left
        await ids.open()
      }
      most = Math.max(most, ids.store.runs.length)
    }
    await ids.check()
    await ids.store.close()
    rmSync(ids.directory, { recursive: true })
  }
  expect(most).toBeGreaterThan(3)
}, 240_000)

test('what is older than the window goes, from the disk as well', async () => {
  const ids = new Ids(join(root, 'old'), randomOf(1))
  await ids.open()
  for (let i = 0; i < 60; i++) {
    await ids.note(50)
    ids.commit()
  }
  await ids.store.settled()
  const then = runsIn(ids.directory)
  ids.now += 10 * (WINDOW + DISORDER_MICROS)
  // Marks of time are set as offsets go on.
  for (let partition = 0; partition < PARTITIONS; partition++) {
    ids.floors.see(partition, (ids.next[partition] ?? 0) + 20_000, ids.now)
    ids.floors.see(partition, (ids.next[partition] ?? 0) + 40_000, ids.now + 2 * (WINDOW + DISORDER_MICROS))
  }
  ids.commit()
  await ids.store.settled()
  expect(then.length).toBeGreaterThan(2)
  expect(runsIn(ids.directory)).toEqual([])
  await ids.store.close()
})

async function filled(name: string): Promise<Ids> {
  const ids = new Ids(join(root, name), randomOf(7))
  await ids.open()
  for (let i = 0; i < 30; i++) await ids.note(20)
  ids.commit()
  await ids.store.settled()
  await ids.note(5)
  ids.commit()
  await ids.store.settled()
  return ids
}

test('a start reads back what the runs do not have, and no more', async () => {
  const ids = await filled('again')
  const all = ids.added.length
  await ids.store.close()
  const read = await ids.open()
  expect(read).toBeLessThan(all / 4)
  await ids.check()
  await ids.store.close()
})

test('the runs are used only when they tell the truth about the tables and the window', async () => {
  const ids = await filled('truth')
  const all = ids.added.length
  const readsAll = async (reopen: () => Promise<number>) => {
    const copy = join(root, 'truth-kept')
    await ids.store.close()
    cpSync(ids.directory, copy, { recursive: true })
    expect(await reopen()).toBe(ids.added.length)
    await ids.check()
    await ids.store.close()
    rmSync(ids.directory, { recursive: true })
    cpSync(copy, ids.directory, { recursive: true })
    rmSync(copy, { recursive: true })
    await ids.open()
  }
  // A window that is longer now may need what was let go of.
  await readsAll(() => ids.open(WINDOW + 1))
  // The table was made anew.
  await readsAll(() => ids.open(WINDOW, 'events-2'))
  expect(ids.added.length).toBe(all)
  // The tables were put back to an earlier state.
  const { committed } = ids
  await ids.store.close()
  ids.committed = { ...committed, 0: committed[0]! - 1 }
  expect(await ids.open()).toBe(ids.added.length)
  await ids.check()
  await ids.store.close()
})

test('a shorter window keeps the runs, and the longer one after it does not', async () => {
  const ids = await filled('shorter')
  await ids.store.close()
  expect(await ids.open(WINDOW / 2)).toBeLessThan(ids.added.length)
  ids.commit()
  await ids.store.settled()
  await ids.store.close()
  expect(await ids.open(WINDOW)).toBe(ids.added.length)
  await ids.store.close()
})

test('a damaged run or manifest is found at the start, and everything is made anew', async () => {
  const ids = await filled('damaged')
  await ids.store.close()
  const copy = join(root, 'damaged-kept')
  cpSync(ids.directory, copy, { recursive: true })
  const random = randomOf(seed)
  for (let i = 0; i < 20; i++) {
    rmSync(ids.directory, { recursive: true })
    cpSync(copy, ids.directory, { recursive: true })
    const names = readdirSync(ids.directory)
    const path = join(ids.directory, names[random(names.length)]!)
    const bytes = readFileSync(path)
    if (i % 3 === 0) writeFileSync(path, bytes.subarray(0, random(bytes.length)))
    else {
      const at = random(bytes.length)
      bytes[at] = bytes[at]! ^ (1 << random(8))
      writeFileSync(path, bytes)
    }
    const read = await ids.open()
    expect({ seed, i, path, read }).toEqual({ seed, i, path, read: ids.added.length })
    await ids.check()
    await ids.store.close()
  }
})

test('a run that is damaged while it is used is told, and never answers wrong', async () => {
  const ids = await filled('rotten')
  for (const name of runsIn(ids.directory)) {
    const path = join(ids.directory, name)
    const bytes = readFileSync(path)
    for (let block = 0; block < bytes.length; block += 4096) bytes[block + 9] = bytes[block + 9]! ^ 16
    writeFileSync(path, bytes)
  }
  await expect(ids.check()).rejects.toMatchObject({ code: 'lander/ids-damaged' })
  await ids.store.close()
  expect(existsSync(ids.directory)).toBe(true)
  expect(await ids.open()).toBe(ids.added.length)
  await ids.check()
  await ids.store.close()
})
