/** The Python client of Trino and its SQLAlchemy dialect, on which notebooks and Superset stand. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findPython } from '../support/python.ts'
import {
  ENDLESS,
  type GameDoor,
  LARGE,
  LARGE_ROWS,
  openGameDoor,
  QUESTIONS,
  TABLES,
} from './support/game-door.ts'

const python = await findPython()
let door: GameDoor
let answer: Record<string, unknown>

beforeAll(async () => {
  if ('missing' in python) return
  door = await openGameDoor()
  const request = {
    questions: QUESTIONS.map(({ sql }) => sql),
    large: LARGE,
    endless: ENDLESS,
    inspect: true,
  }
  answer = (await python.runJson('trino_client.py', [String(door.port)], request)) as typeof answer
}, 240_000)
afterAll(() => door?.[Symbol.asyncDispose]())

test('lists and describes', ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  expect(answer['catalogs']).toContainEqual(['hive'])
  expect(answer['schemas']).toContainEqual(['default'])
  expect((answer['tables'] as string[][]).flat()).toEqual(expect.arrayContaining(TABLES))
  expect(answer['described']).toContainEqual(['cost', 'bigint', '', ''])
})

test('asks the questions of the game', ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  expect(answer['questions']).toEqual(QUESTIONS.map((question) => question.answer))
})

test('parameters, types and values', ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  expect(answer['parameters']).toEqual([['104']])
  expect(answer['types']).toEqual([
    ['newest', 'timestamp(6) with time zone'],
    ['n', 'bigint'],
  ])
  expect(answer['values']).toEqual(['datetime', 'UTC', 364])
  expect(answer['large']).toBe(LARGE_ROWS)
})

test('an error has its name, number and place', ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  const place = [2, 3]
  expect(answer['error']).toEqual(['COLUMN_NOT_FOUND', 47, place, expect.stringContaining('line 2:3: ')])
})

test('session, transaction and cancel', ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  expect(answer['session']).toEqual(['query_max_run_time', '1m'])
  expect(answer['transaction']).toEqual([['364']])
  expect(answer['cancelled']).toEqual(['USER_CANCELED', true])
})

test('SQLAlchemy asks with parameters', ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  expect(answer['alchemy']).toBe(104)
})

test('SQLAlchemy inspects what there is, as Superset does', ({ skip }) => {
  if ('missing' in python) return skip(python.missing)
  expect(answer['inspected']).toEqual({
    schemas: ['default', 'information_schema'],
    tables: expect.arrayContaining(TABLES),
    views: [],
    columns: expect.arrayContaining([
      ['timestamp', 'TIMESTAMP', true],
      ['host', 'VARCHAR', true],
      ['cost', 'BIGINT', true],
    ]),
    has: [true, false],
    indexes: [expect.objectContaining({ name: 'partition' })],
    comment: { text: null },
  })
})
