import { expect, test, vi } from 'vitest'
import { csvOf } from '../../src/dashboard/csv.ts'
import { spansOf } from '../../src/dashboard/look.ts'
import type { Names } from '../../src/dashboard/messages.ts'
import { complete } from '../../src/dashboard/page/completion.ts'
import { bytes } from '../../src/dashboard/page/format.ts'
import { Rate, RefusedLately } from '../../src/dashboard/rates.ts'

/** A module of the page that knows of a browser: its types are those of another project. */
async function ofPage<T>(name: string): Promise<T> {
  return (await import(`../../src/dashboard/page/${name}.ts`)) as T
}

interface ChartModule {
  chartData(
    columns: { name: string; type: string }[],
    rows: (string | number | null)[][],
  ): { times: number[] | undefined; series: { values: (number | null)[] }[] } | undefined
}

interface HistoryModule {
  addToHistory(sql: string): void
  readHistory(): string[]
}

const NAMES: Names = {
  tables: [
    { name: 'events', columns: ['event_id', 'event_type'] },
    { name: 'guilds', columns: ['guild_name', 'User-Agent'] },
  ],
  keywords: ['SELECT', 'FROM', 'GROUP'],
  functions: ['element_at', 'greatest'],
}

function words(text: string, asked = false): string[] {
  return complete(NAMES, text, text.length, asked).words
}

test('completion: tables behind FROM, columns of named tables first, keywords as they are typed', () => {
  expect(words('SELECT * FROM ev')).toEqual(['events'])
  expect(words('SELECT * FROM guilds WHERE gu')).toEqual(['guild_name', 'guilds'])
  expect(words('SELECT * FROM guilds WHERE events.ev')).toEqual(['event_id', 'event_type'])
  expect(words('SELECT * FROM guilds g WHERE g."Us')).toEqual(['"User-Agent"'])
  expect(words('sel')).toEqual(['select'])
  expect(words('SEL')).toEqual(['SELECT'])
  expect(words('SELECT el')).toEqual(['element_at'])
})

test('completion says nothing too early, in a text or in a comment, unless it is asked', () => {
  expect(words('SELECT e')).toEqual([])
  expect(words('SELECT e', true)).not.toEqual([])
  expect(words("SELECT 'ev")).toEqual([])
  expect(words("SELECT 'it''s' || ev")).not.toEqual([])
  expect(words('SELECT 1 -- ev')).toEqual([])
  // A word that is whole has nothing to become.
  expect(words('SELECT * FROM events')).toEqual([])
})

test('a rate is that of the last seconds, and begins anew after a pause', () => {
  const rate = new Rate()
  expect(rate.next(100, 0)).toBeNull()
  expect(rate.next(150, 1000)).toBe(50)
  for (let second = 2; second <= 10; second++) rate.next(150, second * 1000)
  expect(rate.next(150, 11_000)).toBe(0)
  expect(rate.next(1_000_000, 60_000)).toBeNull()
  expect(rate.next(1_000_000, 61_000)).toBe(0)
  // Another log, or one that was restored.
  expect(rate.next(5, 62_000)).toBeNull()
})

test('what was refused lately is told by reason, for a minute, and begins anew with another door', () => {
  const lately = new RefusedLately()
  const bad = (count: number) => ({ reason: 'collector/malformed', status: 400, count })
  const full = (count: number) => ({ reason: 'log/overloaded', status: 503, count })
  expect(lately.next([full(9), bad(1)], 0)).toEqual([])
  expect(lately.next([full(9), bad(3)], 1000)).toEqual([bad(2)])
  expect(lately.next([full(12), bad(3)], 59_000)).toEqual([full(3), bad(2)])
  expect(lately.next([full(12), bad(3)], 61_500)).toEqual([])
  expect(lately.next([bad(1)], 62_000)).toEqual([])
})

test('commits of the last quarter of an hour are told, and never more than 300', () => {
  const at = Date.parse('2026-01-31T12:00:00Z')
  const commits = (count: number, everyMs: number) =>
    Array.from({ length: count }, (_, i) => ({
      table: 'events',
      batch: i,
      committedAt: new Date(at - (count - 1 - i) * everyMs).toISOString(),
      ranges: [{ partition: 0, start: i, end: i + 1, landed: 1, dead: 0, duplicate: 0 }],
    }))
  expect(spansOf({ commits: commits(1000, 10_000) } as never, at)).toHaveLength(90)
  const many = spansOf({ commits: commits(1000, 500) } as never, at)
  expect(many).toHaveLength(300)
  expect(many.at(-1)).toEqual({ batch: 999, from: at - 500, to: at, landed: 1, dead: 0, duplicate: 0 })
})

test('sizes are written in three digits, also just below the next unit', () => {
  expect([999, 1000, 999_499, 999_600, 999_960_000].map(bytes)).toEqual([
    '999 B',
    '1.00 kB',
    '999 kB',
    '1.00 MB',
    '1.00 GB',
  ])
})

test('a chart over times: without a zone they are UTC, and what has no place on the line takes none', async () => {
  const { chartData } = await ofPage<ChartModule>('chart')
  const columns = [
    { name: 'at', type: 'timestamp(3)' },
    { name: 'n', type: 'double' },
  ]
  const at = (...cells: (string | null)[]) =>
    chartData(
      columns,
      cells.map((cell) => [cell, 1]),
    )!.times
  vi.stubEnv('TZ', 'Asia/Tokyo')
  const noon = Date.UTC(2026, 0, 31, 12)
  expect(at('2026-01-31 12:00:00.000', '2026-01-31 12:00:00 UTC', '2026-01-31 14:00:00 +02:00')).toEqual([
    noon,
    noon,
    noon,
  ])
  expect(at('2026-01-31')).toEqual([Date.UTC(2026, 0, 31)])
  expect(at('2026-01-31 12:00:00', null)).toBeUndefined()
  vi.unstubAllEnvs()
  const values = ['Infinity', 'NaN', '2.5', null].map((value) => ['2026-01-31', value])
  expect(chartData(columns, values)!.series[0]!.values).toEqual([null, null, 2.5, null])
})

test('the history keeps what a browser has room for, the newest first', async () => {
  const kept = new Map<string, string>()
  vi.stubGlobal('matchMedia', () => ({}))
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  })
  const { addToHistory, readHistory } = await ofPage<HistoryModule>('history')
  for (let i = 0; i < 10; i++) addToHistory(`SELECT ${i} -- ${'x'.repeat(100_000)}`)
  addToHistory('x'.repeat(1_000_000))
  expect(readHistory().map((sql) => sql.slice(0, 9))).toEqual([9, 8, 7, 6].map((i) => `SELECT ${i} `))
  vi.unstubAllGlobals()
})

test('CSV: null is nothing, an empty text is not, and whole numbers keep their digits', async () => {
  const columns = ['a', 'b "c"'].map((name) => ({ name, type: 'varchar' }))
  async function* pages() {
    yield [
      [null, ''],
      ['x,y', 'line\nend'],
    ]
    yield []
    yield [
      [9007199254740993n, { k: [1, null] }],
      [true, '"'],
    ]
  }
  let text = ''
  for await (const part of csvOf(columns, pages())) text += part
  expect(text).toBe(
    'a,"b ""c"""\r\n,""\r\n"x,y","line\nend"\r\n9007199254740993,"{""k"":[1,null]}"\r\ntrue,""""\r\n',
  )
})
