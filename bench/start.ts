import { type Bench, check, median } from './harness.ts'
import { startLandfallUp, untilServing } from './landfall-up.ts'
import { countRows } from './sql-client.ts'

/** From the command to the first answer of the door, and to that event in a SQL answer; on an empty directory each time. */
export const benchStart: Bench = async ({ pairs, directory, say }) => {
  const answered: number[] = []
  const inSql: number[] = []
  // The first start compiles; what it leaves in the cache serves the others, as on any machine that started it once.
  for (let run = -1; run < pairs; run++) {
    if (run >= 0) say(`start: run ${run + 1} of ${pairs}`)
    const begun = performance.now()
    const up = await startLandfallUp('examples/game/pipeline.ts', `${directory}/${run}`)
    try {
      const path = `${up.http}/purchase_a_sword/sabre`
      await untilServing(up, 'the first answer', async () => ((await fetch(path)).ok ? true : undefined))
      const answeredAt = performance.now()
      const rows = await untilServing(up, 'the first row', () => countRows(up.sql, 'purchases'))
      check(rows === 1, `one event was answered, the first SQL answer counts ${rows}`)
      if (run >= 0) {
        answered.push((answeredAt - begun) / 1000)
        inSql.push((performance.now() - begun) / 1000)
      }
    } finally {
      await up.stop()
    }
  }
  return [
    {
      name: 'start → first event answered → in SQL',
      value: median(inSql),
      unit: 's',
      goal: { is: 'at most', value: 1 },
      samples: inSql,
      detail: { answeredAfterSeconds: median(answered) },
    },
  ]
}
