/** A small table of what persons did, in short stories that the cases tell apart, as our lake has it. */
import { EVENTS_TABLE } from '../../../src/model/pipeline.ts'
import type { EventSource } from '../../../src/report/analytics.ts'
import { land, openTestLake, type TestLake, tableOf } from '../../lake/support.ts'

/** who (null: nobody), when (UTC), what, amount, visit */
type Act = [who: string | null, at: string, what: string, amount?: number | null, visit?: string | null]

export const STORIES: Record<string, Act[]> = {
  // 2026-11-02 is a Monday.
  steps: [
    ['all', '2026-11-02 10:00:00', 'look'],
    ['all', '2026-11-02 10:05:00', 'choose'],
    ['all', '2026-11-02 10:59:59.999999', 'buy'],
    ['edge', '2026-11-02 10:00:00', 'look'],
    ['edge', '2026-11-02 10:30:00', 'choose'],
    ['edge', '2026-11-02 11:00:00', 'buy'],
    ['late', '2026-11-02 10:00:00', 'look'],
    ['late', '2026-11-02 10:30:00', 'choose'],
    ['late', '2026-11-02 11:00:00.000001', 'buy'],
    // Begins again, and is in time from the second beginning on.
    ['again', '2026-11-02 08:00:00', 'look'],
    ['again', '2026-11-02 10:00:00', 'look'],
    ['again', '2026-11-02 10:10:00', 'choose'],
    ['again', '2026-11-02 10:50:00', 'buy'],
    // Chose in time, then looked anew: the choice goes with the first look.
    ['mixed', '2026-11-02 10:00:00', 'look'],
    ['mixed', '2026-11-02 10:10:00', 'choose'],
    ['mixed', '2026-11-02 11:20:00', 'look'],
    ['mixed', '2026-11-02 11:30:00', 'buy'],
    ['backwards', '2026-11-02 10:00:00', 'buy'],
    ['backwards', '2026-11-02 10:01:00', 'choose'],
    ['backwards', '2026-11-02 10:02:00', 'look'],
    // All at one moment: in the order of the steps.
    ['atonce', '2026-11-02 10:00:00', 'buy'],
    ['atonce', '2026-11-02 10:00:00', 'look'],
    ['atonce', '2026-11-02 10:00:00', 'choose'],
    ['other', '2026-11-02 10:00:00', 'leave'],
    [null, '2026-11-02 10:00:00', 'look'],
    [null, '2026-11-02 10:01:00', 'choose'],
  ],
  twice: [
    ['one', '2026-11-02 10:00:00', 'buy', 1],
    ['two', '2026-11-02 10:00:00', 'buy', 1],
    ['two', '2026-11-02 10:00:00', 'buy', 1],
    ['three', '2026-11-02 10:00:00', 'buy', 1],
    ['three', '2026-11-03 10:00:00', 'buy', 50],
    ['three', '2026-11-04 10:00:00', 'buy', 1],
  ],
  visits: [
    // 30 minutes are one visit, a microsecond more are two.
    ['a', '2026-11-02 10:00:00', 'look'],
    ['a', '2026-11-02 10:30:00', 'buy'],
    ['a', '2026-11-02 11:00:00.000001', 'look'],
    // Over midnight: it belongs to the day on which it began.
    ['b', '2026-11-02 23:50:00', 'look'],
    ['b', '2026-11-03 00:10:00', 'choose'],
    ['b', '2026-11-03 00:15:00', 'buy'],
    ['b', '2026-11-03 00:16:00', 'leave'],
    ['b', '2026-11-03 00:17:00', 'leave'],
    ['c', '2026-11-03 00:00:00', 'look'],
    ['c', '2026-11-03 00:00:00', 'choose'],
    [null, '2026-11-03 00:00:00', 'look'],
  ],
  named: [
    ['a', '2026-11-02 10:00:00', 'look', null, 'v1'],
    ['a', '2026-11-02 22:00:00', 'buy', null, 'v1'],
    ['a', '2026-11-02 22:00:01', 'look', null, 'v2'],
    ['b', '2026-11-02 22:00:02', 'look', null, 'v1'],
    ['b', '2026-11-02 22:00:03', 'look', null, null],
  ],
  borders: [
    ['a', '2026-10-31 23:59:59.999999', 'x'],
    ['a', '2026-11-01 00:00:00', 'x'],
    ['b', '2026-11-01 23:59:59.999999', 'x'],
    ['b', '2026-11-02 00:00:00', 'x'],
    ['c', '2026-11-08 23:59:59', 'x'],
    ['a', '2026-11-09 00:00:00', 'x'],
    ['a', '2026-11-09 00:00:00', 'x'],
    ['b', '2026-11-16 12:00:00', 'x'],
    [null, '2026-11-16 12:00:00', 'x'],
  ],
  money: [
    ['a', '2026-11-02 10:00:00', 'buy', 10],
    ['a', '2026-11-02 11:00:00', 'buy', 5],
    ['b', '2026-11-02 10:00:00', 'buy', 85],
    ['c', '2026-11-02 10:00:00', 'look', null],
    ['d', '2026-11-02 10:00:00', 'buy', 10],
    ['d', '2026-11-02 10:01:00', 'refund', -10],
    ['c', '2026-11-09 10:00:00', 'look', null],
    [null, '2026-11-02 10:00:00', 'buy', 1000],
  ],
  ranks: [
    ['a', '2026-11-02 10:00:00', 'x', 1],
    ['a', '2026-11-02 10:00:00', 'x', 2],
    ['b', '2026-11-02 10:00:00', 'x', 3],
    ['b', '2026-11-02 10:00:00', 'x', 4],
    ['c', '2026-11-02 10:00:00', 'x', 5],
    ['c', '2026-11-02 10:00:00', 'y', 5],
    ['d', '2026-11-02 10:00:00', 'y', 7],
    ['d', '2026-11-02 10:00:00', 'y', 8],
    ['d', '2026-11-02 10:00:00', 'z', 9],
    ['e', '2026-11-02 10:00:00', 'z', 100],
    ['e', '2026-11-02 10:00:00', 'z', null],
  ],
}

const ACTS = tableOf('acts', {
  story: 'string',
  Who: 'string',
  timestamp: 'timestamptz',
  what: 'string',
  amount: 'long',
  price: 'decimal(12, 2)',
  visit: 'string',
  'odd "name"': 'string',
})

const text = (value: string | null | undefined) =>
  value === null || value === undefined ? 'NULL' : `'${value.replaceAll("'", "''")}'`

/** The lake with `acts`, and the same in `events` as members of `raw_event`, with their own times. */
export async function openActs(): Promise<TestLake> {
  const test = await openTestLake()
  const rows = Object.entries(STORIES).flatMap(([story, acts]) => acts.map((act) => [story, ...act] as const))
  const position = { logId: 'log-1', next: { 0: 0 } }
  const acts = rows.map(
    ([story, who, at, what, amount = null, visit]) =>
      `(${text(story)}, ${text(who)}, TIMESTAMPTZ '${at}+00', ${text(what)}, ${amount}::BIGINT, (${amount} / 4.0)::DECIMAL(12, 2), ${text(visit)}, 'it''s')`,
  )
  await land(
    test,
    await test.lake.ensure(ACTS, { position }),
    `SELECT * FROM (VALUES ${acts.join(', ')}) AS r(story, "Who", "timestamp", what, amount, price, visit, "odd ""name""")`,
    rows.length,
  )
  const events = rows.map(([story, who, at, what, amount = null, visit], i) => {
    // In another zone than UTC, as a client may write it.
    const [day, time] = at.split(' ') as [string, string]
    const local = new Date(Date.parse(`${day}T${time.slice(0, 8)}Z`) - 5 * 3_600_000)
      .toISOString()
      .slice(0, 19)
    const raw = JSON.stringify({ story, 'user-id': who, at: `${local}${time.slice(8)}-05:00`, amount, visit })
    return `('e${i}', 0::INTEGER, ${i}::BIGINT, TIMESTAMPTZ '2026-11-20 12:00:00+00', ${text(what)}, ${text(raw)})`
  })
  await land(
    test,
    await test.lake.ensure(EVENTS_TABLE, { position }),
    `SELECT * FROM (VALUES ${events.join(', ')}) AS r(event_id, "partition", "offset", received_at, event_type, raw_event)`,
    rows.length,
  )
  return test
}

export function acts(story: string, more: Partial<EventSource> = {}): EventSource {
  const { where = [], ...rest } = more
  return {
    table: 'acts',
    subject: { column: 'Who' },
    time: { column: 'timestamp' },
    event: { column: 'what' },
    where: [{ field: { column: 'story' }, is: '=', value: story }, ...where],
    ...rest,
  }
}

/** The same story, out of `events`. */
export function rawActs(story: string): EventSource {
  const day = 86_400_000
  return {
    table: 'events',
    subject: { member: 'user-id' },
    time: { trusted: 'at', received: 'received_at', pastMs: 60 * day, futureMs: day },
    event: { column: 'event_type' },
    where: [{ field: { member: 'story' }, is: '=', value: story }],
  }
}
