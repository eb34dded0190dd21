import { expect, test } from 'vitest'
import { csvOf } from '../../src/dashboard/csv.ts'
import type { Names } from '../../src/dashboard/messages.ts'
import { complete } from '../../src/dashboard/page/completion.ts'
import { Rate } from '../../src/dashboard/rates.ts'

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
