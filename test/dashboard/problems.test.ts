import { expect, test } from 'vitest'
import { type Figures, levelsOf, problemsOf, type Seen } from '../../src/dashboard/problems.ts'

const FIGURES: Figures = {
  processes: {
    door: { pid: 1, alive: true },
    lander: { pid: 2, alive: true },
    query: { pid: 3, alive: true },
  },
  door: { url: 'http://127.0.0.1:5000', rate: 10, refused: 0, refusals: [] },
  log: { topic: 'events', records: 10, start: 0, end: 10, partitions: 1 },
  lander: { batch: 1, pending: 0, pendingS: 0, error: null },
  lake: { tables: 1, rows: 10, files: 1, committedAt: 0 },
  sql: { behindS: 0, spool: true },
  disk: { freeBytes: 1e9, share: 0.5, reserve: 0.05 },
  ledger: { closes: true, accepted: 10, landed: 10, dead: 0, duplicate: 0, pending: 0, findings: [] },
  commits: [],
}
const SEEN: Seen = { refusedLately: [], behindBefore: 0, away: undefined, unreadable: undefined }

/** Stage, level and the beginning of each problem. */
function found(figures: Partial<Figures>, seen: Partial<Seen> = {}): string[] {
  return problemsOf({ ...FIGURES, ...figures }, { ...SEEN, ...seen }).map(
    ({ stage, level, text }) => `${stage} ${level}: ${text}`,
  )
}

test('a pipeline that is in order has no problem, and every stage is ok', () => {
  expect(found({})).toEqual([])
  expect(new Set(Object.values(levelsOf(FIGURES, [])))).toEqual(new Set(['ok']))
})

test('where no process of this machine is known, the door is unknown and nothing is red', () => {
  expect(found({ processes: null })).toEqual([])
  expect(levelsOf({ ...FIGURES, processes: null }, []).door).toBe('unknown')
})

test('a lander that is held up says why', () => {
  expect(found({ lander: { ...FIGURES.lander, error: 'disk full: nothing is landed' } })).toEqual([
    'lander bad: Landing is held up: disk full: nothing is landed',
  ])
})

test('waiting is normal while a batch is gathered, and wrong after several', () => {
  const lander = (pendingS: number) => ({ lander: { ...FIGURES.lander, pending: 5, pendingS } })
  expect(found(lander(12))).toEqual([])
  expect(found(lander(60))).toEqual(['lander bad: An accepted event has waited 60 s to land'])
})

test('SQL that falls back further is red, one that catches up is amber', () => {
  const sql = { sql: { behindS: 40, spool: true } }
  expect(found(sql, { behindBefore: 30 })).toEqual([
    'sql bad: SQL is 40 s behind the log, and falls back further',
  ])
  expect(found(sql, { behindBefore: 50 })).toEqual(['sql warn: SQL is 40 s behind the log'])
  // Where only commits can be seen, an answer is as old as the last one.
  expect(found({ sql: { behindS: 40, spool: false } })).toEqual([])
})

test('a ledger that does not close is red with each finding', () => {
  const ledger = { ...FIGURES.ledger!, closes: false, findings: ['expected 10 rows, found 9'] }
  expect(found({ ledger })).toEqual(['lake bad: The ledger does not close: expected 10 rows, found 9'])
})

test('a disk near its reserve is amber, below it red', () => {
  const disk = (share: number) => ({ disk: { freeBytes: 1, share, reserve: 0.05 } })
  expect(found(disk(0.11))).toEqual([])
  expect(found(disk(0.08))).toEqual(['log warn: 8.0 % of the disk is free'])
  expect(found(disk(0.04))).toEqual(['log bad: 4.0 % of the disk is free: events are answered with 503'])
})

test('refusals are amber, and red when the door could not take more', () => {
  const lately = (status: number) => ({
    refusedLately: [{ reason: 'collector/malformed', status, count: 2 }],
  })
  expect(found({}, lately(400))).toEqual([
    'door warn: The door refused 2 in the last minute: collector/malformed',
  ])
  expect(found({}, lately(503))[0]).toMatch(/^door bad: /)
})

test('what the door could not take long ago makes no refusal of today red', () => {
  const refusals = [
    { reason: 'log/overloaded', status: 503, count: 9 },
    { reason: 'collector/malformed', status: 400, count: 1 },
  ]
  const door = { door: { ...FIGURES.door, refused: 10, refusals } }
  expect(found(door)).toEqual([])
  expect(found(door, { refusedLately: refusals.slice(1) })).toEqual([
    'door warn: The door refused 1 in the last minute: collector/malformed',
  ])
})

test('a part that is away is said, the worst first', () => {
  expect(
    found({ disk: { freeBytes: 1, share: 0.08, reserve: 0.05 } }, { away: 'the storage does not answer' }),
  ).toEqual([
    'lake bad: What is in the tables cannot be read: the storage does not answer',
    'log warn: 8.0 % of the disk is free',
  ])
})
