import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ab, abMissing } from '../support/ab.ts'
import { startLandfall } from '../support/landfall.ts'

test('the simple game: ten rounds give 100 join_guild events, half per host', async (context) => {
  const missing = abMissing()
  if (missing) return context.skip(missing)
  const landfall = await startLandfall('examples/game-simple/pipeline.ts')
  try {
    for (let round = 0; round < 10; round++) {
      await ab(5, 'user1.comcast.com', `${landfall.http}/purchase_a_sword`)
      await ab(5, 'user1.comcast.com', `${landfall.http}/join_guild`)
      await ab(5, 'foo.gmail.com', `${landfall.http}/join_guild`)
    }
    const perHost = await landfall.query(
      'select "Host" as host, count(*) as n from join_guild group by 1 order by 1',
    )
    expect(perHost).toEqual([
      { host: 'foo.gmail.com', n: 50 },
      { host: 'user1.comcast.com', n: 50 },
    ])
    expect(await landfall.query('select count(*) as n from join_guild')).toEqual([{ n: 100 }])
    expect(await landfall.query('select count(*) as n from sword_purchases')).toEqual([{ n: 50 }])
    expect(await landfall.query('select count(*) as n from purchases')).toEqual([{ n: 50 }])
    const columns = await landfall.query('describe purchases')
    expect(columns.map((row) => Object.values(row)[0])).toEqual([
      'accept',
      'host',
      'user-agent',
      'event_type',
      'timestamp',
    ])
    const text = await (await fetch(`${landfall.http}/join_guild`)).text()
    expect(text).toBe('Guild joined!\n')
    expect((await fetch(`${landfall.http}/purchase_a_swor`)).status).toBe(404)
  } finally {
    await landfall.stop()
    rmSync(landfall.data, { recursive: true, force: true })
  }
}, 120_000)
