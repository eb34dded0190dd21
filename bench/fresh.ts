import type { TrackerStats } from '../src/client/client.ts'
import { openTrinoEngine } from '../src/sql/drivers/trino.ts'
import { Child } from './child.ts'
import { type Bench, check, median } from './harness.ts'
import { startLandfallUp, untilServing } from './landfall-up.ts'
import type { TrackSettings } from './processes/track-load.ts'
import { askNumber, countRows } from './sql-client.ts'

const PER_SECOND = 5_000
const WARM_UP_MS = 2_000

/**
 * How long after its answer an event is in SQL, while others come at 5,000 per second: the question is asked right after the
 * answer, and its first answer must hold the event, so the figure is what that answer took.
 */
export const benchFresh: Bench = async ({ pairs, seconds, directory, say }) => {
  say(`fresh: ${PER_SECOND} events per second, and a question after each probe`)
  const up = await startLandfallUp('examples/game/pipeline.ts', `${directory}/data`)
  try {
    await untilServing(up, 'the door', async () => ((await fetch(`${up.http}/readyz`)).ok ? true : undefined))
    await untilServing(up, 'SQL', () => countRows(up.sql, 'events'))
    const settings: TrackSettings = { url: up.http, perSecond: PER_SECOND }
    await using load = await Child.start<{ do: 'stop' }, TrackerStats>('track-load', settings)
    await using engine = openTrinoEngine(up.sql)
    const waits: number[] = []
    const begun = performance.now()
    for (let i = 0; performance.now() - begun < WARM_UP_MS + pairs * seconds * 1000; i++) {
      const probe = `probe-${i}`
      const sent = await fetch(`${up.http}/v1/events`, {
        method: 'POST',
        body: JSON.stringify({ event_type: 'purchase_sword', event_id: probe, type: 'estoc', cost: 7 }),
      })
      check(sent.ok, `the probe was answered with ${sent.status}`)
      const answeredAt = performance.now()
      const statement = `SELECT count(*) FROM events WHERE event_id = '${probe}'`
      let found = await askNumber(engine, statement)
      // An answer that the lander did not reach in time says so; asking again is part of the wait.
      while (found.behind && found.value === 0) found = await askNumber(engine, statement)
      check(found.value === 1, `${probe} was answered and is in the next SQL answer ${found.value} times`)
      // The first seconds start the engine and fill caches.
      if (answeredAt - begun > WARM_UP_MS) waits.push(performance.now() - answeredAt)
    }
    const stats = await load.ask({ do: 'stop' })
    check(
      stats.accepted === stats.tracked,
      `${stats.tracked} events were tracked, ${stats.accepted} accepted`,
    )
    check(waits.length > 0, 'the run was too short to measure anything')
    const sorted = waits.sort((a, b) => a - b)
    const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)]!
    return [
      {
        name: 'answer → row in SQL at 5,000 events/s, p99',
        value: at(0.99),
        unit: 'ms',
        goal: { is: 'at most', value: 250 },
        samples: [0, 0.25, 0.5, 0.75, 0.9, 0.99, 1].map(at),
        detail: { probes: waits.length, p50Ms: median(waits), events: stats.accepted },
      },
    ]
  } finally {
    await up.stop()
  }
}
