import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startLandfall } from '../support/landfall.ts'

test('an event that was answered is in the next SQL answer: asked right after, 1,000 times', async () => {
  const landfall = await startLandfall('examples/game/pipeline.ts')
  try {
    let missing = 0
    for (let index = 1; index <= 1000; index++) {
      const answer = await fetch(`${landfall.http}/purchase_a_sword/sword_${index}`)
      expect(answer.status).toBe(200)
      await answer.text()
      const [row] = await landfall.query(`select count(*) as n from purchases where type = 'sword_${index}'`)
      if (row!.n !== 1) missing += 1
    }
    expect(missing).toBe(0)
    expect(
      await landfall.query('select count(*) as n, count(distinct type) as d from sword_purchases'),
    ).toEqual([{ n: 1000, d: 1000 }])
  } finally {
    await landfall.stop()
    rmSync(landfall.data, { recursive: true, force: true })
  }
}, 240_000)
