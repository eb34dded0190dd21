import { expect, test } from 'vitest'
import {
  formatBytes,
  formatDuration,
  humanBytes,
  parseBytes,
  parseDuration,
} from '../../src/base/quantities.ts'
import { parseAddress } from '../../src/base/setting.ts'
import { COLLECTOR_DEFAULTS } from '../../src/collector/limits.ts'
import { resolveSettings, roomSettings, SETTINGS } from '../../src/config.ts'
import { defaultSettings } from '../../src/lake/settings.ts'
import { LANDER_DEFAULTS } from '../../src/lander/settings.ts'

test('a flag wins over the environment, that over the pipeline, that over the default', () => {
  const environment = { LANDFALL_LANDER_BATCH_AGE: '3s' }
  const pipeline = { lander: { batchAge: '2s', batchRows: 7 }, simulate: { anything: 1 } }
  const flags = { 'lander.batchAge': '4s' }
  expect(resolveSettings({})['lander.batchAge']).toBe(10_000)
  expect(resolveSettings({ pipeline })['lander.batchAge']).toBe(2000)
  expect(resolveSettings({ pipeline, environment })['lander.batchAge']).toBe(3000)
  expect(resolveSettings({ pipeline, environment, flags })['lander.batchAge']).toBe(4000)
  expect(resolveSettings({ pipeline, environment, flags })['lander.batchRows']).toBe(7)
  expect(resolveSettings({ environment: { LANDFALL_LANDER_BATCH_AGE: '' } })['lander.batchAge']).toBe(10_000)
})

test('a wrong value is told with its place', () => {
  const message = (sources: Parameters<typeof resolveSettings>[0]) => {
    try {
      resolveSettings(sources)
      return 'nothing'
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(message({ flags: { 'collector.listen': 'nowhere' } })).toMatch(
    /^--http: expected HOST:PORT .* found "nowhere"$/,
  )
  expect(message({ environment: { LANDFALL_SQL_TIMEOUT: 'soon' } })).toMatch(
    /^LANDFALL_SQL_TIMEOUT: expected a duration/,
  )
  expect(message({ pipeline: { lander: { batchBytes: 'big' } } })).toMatch(
    /^settings\.lander\.batchBytes of the pipeline: /,
  )
  expect(message({ pipeline: { lander: { batchbytes: 1 } } })).toMatch(/there is no such setting/)
  expect(message({ pipeline: { data: '/elsewhere' } })).toMatch(/belongs to the machine/)
})

test('every default survives a trip through its own text', () => {
  for (const spec of Object.values(SETTINGS)) {
    const text = spec.format(spec.default as never)
    if (text !== '') expect(spec.parse(text)).toEqual(spec.default)
  }
})

test('flags and variables are each used once', () => {
  const specs = Object.values(SETTINGS)
  const flags = specs.flatMap((spec) => spec.flag ?? [])
  expect(new Set(flags).size).toBe(flags.length)
  expect(new Set(specs.map((spec) => spec.environment)).size).toBe(specs.length)
})

test("defaults are those of the rooms, under the rooms' names", () => {
  const settings = resolveSettings({})
  expect(COLLECTOR_DEFAULTS).toMatchObject(roomSettings(settings, 'collector'))
  expect(LANDER_DEFAULTS).toMatchObject(roomSettings(settings, 'lander'))
  expect(defaultSettings).toMatchObject(roomSettings(settings, 'lake'))
})

test('durations, sizes and addresses as people write them', () => {
  expect(['500ms', '10 s', '5min', '5m', '1.5 hours', '7 days', 42].map(parseDuration)).toEqual([
    500, 10_000, 300_000, 300_000, 5_400_000, 604_800_000, 42,
  ])
  expect(['1', '64MB', '2 GiB'].map(parseBytes)).toEqual([1, 64e6, 2 ** 31])
  for (const wrong of ['', '10', 'ten s', '-1s', '1 fortnight'])
    expect(() => parseDuration(wrong)).toThrow(/expected a duration/)
  for (const wrong of ['', '1.5k', '-1', 'many']) expect(() => parseBytes(wrong)).toThrow(/expected a size/)
  expect([1, 1000, 90_000, 604_800_000].map(formatDuration)).toEqual(['1ms', '1s', '90s', '7d'])
  expect([1, 64e6, 2 ** 31, 1500].map(formatBytes)).toEqual(['1B', '64MB', '2GiB', '1500B'])
  expect([0, 1023, 3994, 13_002_342].map(humanBytes)).toEqual(['0', '1023', '3.9 K', '12.4 M'])
  expect(parseAddress('5000')).toEqual({ host: '127.0.0.1', port: 5000 })
  expect(parseAddress(':5000')).toEqual({ host: '127.0.0.1', port: 5000 })
  expect(parseAddress('[::1]:80')).toEqual({ host: '::1', port: 80 })
  expect(parseAddress('http://localhost:80/')).toEqual({ host: 'localhost', port: 80 })
  for (const wrong of ['localhost', 'a:b', '1:99999', 'a b:1'])
    expect(() => parseAddress(wrong)).toThrow(/HOST:PORT/)
})
