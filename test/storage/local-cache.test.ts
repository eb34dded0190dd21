import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LocalCache } from '../../src/storage/remote/local-cache.ts'

let directory: string
let downloads: string[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'landfall-cache-'))
  downloads = []
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const object = (name: string, bytes: number) => ({
  url: `s3://b/${name}`,
  bytes,
  download: async (file: string) => {
    downloads.push(name)
    await sleep(5)
    writeFileSync(file, name.padEnd(bytes, '.'))
  },
})
const copies = () => readdirSync(join(directory, 'objects')).length
const bytesOfCopies = () =>
  readdirSync(join(directory, 'objects')).reduce(
    (sum, name) => sum + statSync(join(directory, 'objects', name)).size,
    0,
  )

test('an object is fetched once, by whichever process and however many ask', async () => {
  const cache = new LocalCache(directory, 1e6)
  const leased = await Promise.all(Array.from({ length: 5 }, () => cache.lease([object('a', 100)])))
  const other = await new LocalCache(directory, 1e6).lease([object('a', 100)])
  for (const { locations } of [...leased, other]) expect(readFileSync(locations[0]!, 'utf8')).toMatch(/^a\./)
  for (const { release } of [...leased, other]) release()
  expect(downloads).toEqual(['a'])
})

test('the bound is kept, the least recently used goes first, and what is leased stays readable', async () => {
  const cache = new LocalCache(directory, 1000)
  const leased = await cache.lease([object('kept', 300)])
  for (let i = 0; i < 20; i++) {
    const { release } = await cache.lease([object(`o${i}`, 100)])
    release()
    await sleep(2)
    expect(bytesOfCopies()).toBeLessThanOrEqual(1000 + 125)
  }
  expect(readFileSync(leased.locations[0]!, 'utf8')).toMatch(/^kept/)
  leased.release()
  downloads = []
  ;(await cache.lease([object('o19', 100)])).release()
  expect(downloads).toEqual([])
  ;(await cache.lease([object('o0', 100)])).release()
  expect(downloads).toEqual(['o0'])
})

test('a reader keeps its file when another process evicts it', async () => {
  const cache = new LocalCache(directory, 1e6)
  const leased = await cache.lease([object('a', 100)])
  for (const name of readdirSync(join(directory, 'objects'))) rmSync(join(directory, 'objects', name))
  expect(readFileSync(leased.locations[0]!).length).toBe(100)
  leased.release()
  await sleep(1)
  expect(existsSync(leased.locations[0]!)).toBe(false)
})

test('who asks for the object itself gets it, though there is a copy', async () => {
  const cache = new LocalCache(directory, 1e6)
  ;(await cache.lease([object('a', 100)])).release()
  ;(await cache.lease([{ ...object('a', 100), fresh: true }])).release()
  ;(await cache.lease([object('a', 100)])).release()
  expect(downloads).toEqual(['a', 'a'])
  expect(copies()).toBe(1)
})

test('a copy of the wrong length is fetched again, and an object of the wrong length is told', async () => {
  const cache = new LocalCache(directory, 1e6)
  ;(await cache.lease([object('a', 100)])).release()
  const [name] = readdirSync(join(directory, 'objects'))
  writeFileSync(join(directory, 'objects', name!), 'torn')
  const { locations } = await cache.lease([object('a', 100)])
  expect(readFileSync(locations[0]!).length).toBe(100)
  const lying = { ...object('b', 100), bytes: 99 }
  await expect(cache.lease([lying])).rejects.toMatchObject({ code: 'storage/damaged' })
})

test('what failed is tried anew, and nothing of it stays', async () => {
  const cache = new LocalCache(directory, 1e6)
  const failing = { url: 's3://b/a', bytes: 1, download: () => Promise.reject(new Error('away')) }
  await expect(cache.lease([object('x', 10), failing])).rejects.toThrow('away')
  ;(await cache.lease([object('a', 1)])).release()
  expect(copies()).toBe(2)
  expect(readdirSync(await cache.workspace())).toEqual([])
})

test('an aborted wait lets go of what comes later', async () => {
  const cache = new LocalCache(directory, 1e6)
  const stop = new AbortController()
  const waiting = cache.lease([object('a', 100)], stop.signal)
  stop.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await sleep(50)
  const [own] = readdirSync(join(directory, 'processes'))
  expect(own === undefined ? [] : readdirSync(join(directory, 'processes', own, 'leases'))).toEqual([])
})

test('files beyond the bound are refused, with what to do', async () => {
  const cache = new LocalCache(directory, 1000)
  await expect(cache.lease([object('a', 600), object('b', 600)])).rejects.toMatchObject({
    code: 'storage/cache-too-small',
    hint: expect.stringContaining('Trino'),
  })
  expect(downloads).toEqual([])
})

test('a file of the workspace becomes the copy, another one is only linked', async () => {
  const cache = new LocalCache(directory, 1e6)
  const made = join(await cache.workspace(), 'a.parquet')
  writeFileSync(made, 'x'.repeat(100))
  await cache.keep('s3://b/a', made, 100)
  expect(existsSync(made)).toBe(false)
  const spool = join(directory, 'spool.parquet')
  writeFileSync(spool, 'y'.repeat(100))
  await cache.keep('s3://b/b', spool, 100)
  expect(existsSync(spool)).toBe(true)
  const { locations } = await cache.lease([object('a', 100), object('b', 100)])
  expect(locations.map((file) => readFileSync(file, 'utf8')[0])).toEqual(['x', 'y'])
  expect(downloads).toEqual([])
})

test('what a killed process left is removed by the next one; another boot empties the cache', async () => {
  const script = `
    import { LocalCache } from './src/storage/remote/local-cache.ts'
    import { writeFileSync } from 'node:fs'
    const cache = new LocalCache(${JSON.stringify(directory)}, 1e6)
    await cache.lease([{ url: 's3://b/a', bytes: 3, download: async (file) => writeFileSync(file, 'abc') }])
    writeFileSync((await cache.workspace()) + '/half', 'x')
    console.log('ready')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  const live = new LocalCache(directory, 1e6)
  await live.workspace()
  expect(readdirSync(join(directory, 'processes'))).toHaveLength(2)
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  await new LocalCache(directory, 1e6).workspace()
  const left = readdirSync(join(directory, 'processes'))
  expect(left.some((name) => name.startsWith(`${child.pid}-`))).toBe(false)
  expect(copies()).toBe(1)
  writeFileSync(join(directory, 'boot'), 'another')
  await new LocalCache(directory, 1e6).workspace()
  expect(copies()).toBe(0)
})
