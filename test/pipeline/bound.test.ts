import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSealed } from '../../src/base/sealed-json.ts'
import { bind, boundPlaces } from '../../src/pipeline/bound.ts'
import { ownPlaces, type Places } from '../../src/pipeline/places.ts'

let data: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'landfall-bound-'))
})
afterEach(() => rmSync(data, { recursive: true, force: true }))

const at = (urls: Partial<Places>): Places => ({ ...ownPlaces(data), ...urls })
const elsewhere = {
  log: 'kafka://a:9092,b:9092/events',
  storage: 's3://lake/game?endpoint=http://x:1',
  catalog: 'http://c:1/',
}

test('stages that start at once bind a directory together, and later ones agree', async () => {
  await Promise.all([bind(at(elsewhere)), bind(at(elsewhere)), bind(at(elsewhere))])
  await bind(at(elsewhere))
  expect(openSealed(readFileSync(join(data, 'bound.json')))).toEqual({
    version: 1,
    ...elsewhere,
    namespace: 'default',
  })
})

test('a lake does not move because a flag was forgotten or changed', async () => {
  await bind(at(elsewhere))
  await expect(bind(at({ log: elsewhere.log, catalog: elsewhere.catalog }))).rejects.toMatchObject({
    code: 'places/bound-elsewhere',
    message: expect.stringMatching(
      /works with the storage in s3:\/\/lake\/game.*started with the data directory itself$/,
    ),
    hint: expect.stringMatching(
      /^Give --storage 's3:\/\/lake\/game\?endpoint=http:\/\/x:1', or another directory/,
    ),
  })
  await expect(bind(at({ ...elsewhere, storage: 's3://lake/bank' }))).rejects.toMatchObject({
    details: { part: 'storage' },
  })
  await expect(bind(at({ ...elsewhere, log: 'kafka://a:9092/others' }))).rejects.toMatchObject({
    details: { part: 'log' },
  })
})

test('the same parts may be reached by other brokers and options', async () => {
  await bind(at(elsewhere))
  await bind(
    at({
      ...elsewhere,
      log: 'kafka://c:9092/events?tls=true',
      storage: 's3://lake/game/?endpoint=http://y:2',
    }),
  )
})

test('a directory from before that holds tables or events holds them still', async () => {
  mkdirSync(join(data, 'lake', 'default'), { recursive: true })
  await expect(bind(at(elsewhere))).rejects.toMatchObject({
    details: { part: 'storage' },
    hint: expect.stringMatching(/^Leave --storage/),
  })
  await bind(at({ log: elsewhere.log }))
  mkdirSync(join(data, 'log'))
  writeFileSync(join(data, 'log', 'log.json'), '{}')
  await bind(at({ log: elsewhere.log }))
})

test('who looks sees what the directory works with, unless told otherwise', async () => {
  await bind(at(elsewhere))
  expect(await boundPlaces(ownPlaces(data), new Set())).toMatchObject(elsewhere)
  expect(await boundPlaces(at({ storage: '/other' }), new Set(['storage']))).toMatchObject({
    log: elsewhere.log,
    storage: '/other',
  })
})

test('a directory that moves takes its own parts with it', async () => {
  await bind(ownPlaces(data))
  const bound = await boundPlaces(ownPlaces(data), new Set())
  expect(bound).toEqual(ownPlaces(data))
})
