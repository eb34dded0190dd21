import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { defineRepair } from '../../src/model/define-repair.ts'
import { makeTopic, missing, newTopic, urlOf } from '../log/kafka-topics.ts'
import { Folder } from './support.ts'

// From a topic of several partitions back into it: straight, since a topic has as many writers as it likes.

const shop = definePipeline({
  name: 'shop',
  events: { buy: Type.Object({ cost: Type.Integer() }) },
  tables: { bought: { events: ['buy'] } },
}).compiled
const toNumber = defineRepair((sent) => ({ ...sent, cost: Number(sent['cost']) }))
const negated = defineRepair((sent) => ({ ...sent, cost: -Number(sent['cost']) }))

test('two heal the letters of a topic at once: each event lands once, in whatever partition', {
  timeout: 600_000,
}, async ({ skip }) => {
  if (missing !== undefined) return skip(missing)
  const topic = newTopic()
  await makeTopic(topic, {}, 3)
  await using folder = new Folder({ log: urlOf(topic) })
  const count = 300
  const events = Array.from({ length: count }, (_, i) => ({ event: { event_type: 'buy', cost: `${i + 1}` } }))
  await folder.send(shop, events)
  await folder.land(shop)
  expect(await folder.counters()).toMatchObject({ landed: 0, dead: count })
  await Promise.all([toNumber, negated].map((repair) => folder.replay(shop, repair, { apply: true })))
  await folder.land(shop)
  const [row] = await folder.rows('bought', 'count(*)::INT AS n, count(DISTINCT abs(cost))::INT AS d')
  expect(row).toEqual({ n: count, d: count })
  const again = await folder.replay(shop, toNumber, { apply: true })
  expect(again).toMatchObject({ letters: count, healed_before: count, heals: 0 })
  const { records, landed, dead, duplicate } = await folder.counters()
  expect({ landed, dead }).toEqual({ landed: count, dead: count })
  expect(records).toBe(landed + dead + duplicate)
})
