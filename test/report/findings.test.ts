import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { makeReport } from '../../src/report/report.ts'
import { openHistory, pipeline, UNTIL, WEEK } from './history.ts'

const LONG = { timeout: 300_000 }

async function findingsOf(input: Parameters<typeof openHistory>[0]) {
  await using history = await openHistory(input)
  const report = await makeReport(history.engine, pipeline)
  expect(report.ledger.closes).toBe(true)
  expect(
    report.figures.filter(({ error }) => error !== undefined).map(({ id, error }) => [id, error]),
  ).toEqual([])
  expect(report.weeks!.now).toEqual({ since: new Date(WEEK), until: new Date(UNTIL) })
  const hosts = await history.world.rows('purchases', 'DISTINCT "Host" AS host')
  const seventh = String(hosts.find(({ host }) => String(host).startsWith('user7.'))?.['host'])
  const pseudonym = `person-${createHash('sha256').update(`landfall:${seventh}`).digest('hex').slice(0, 12)}`
  return Object.assign([...report.findings, ...report.more], { pseudonym })
}

test('what is planted is found, and nothing else', LONG, async () => {
  const found = await findingsOf({
    seed: 21,
    effects: [
      { kind: 'drop', step: 'GET /purchase_a_sword/:name', factor: 0.4, from: WEEK },
      { kind: 'whale', player: 7, factor: 10, from: WEEK },
      { kind: 'decline', value: 'grubs', from: WEEK },
    ],
  })
  expect(found.map(({ kind }) => kind)).toEqual(['funnel', 'group', 'whale'])
  const [drop, guild, whale] = found
  expect(drop!.title).toMatch(/^Fewer persons go on from default to purchase_sword: /)
  expect(drop!.sample).toMatch(/^\d+ of \d+ persons, beside \d+ of \d+ the week before$/)
  expect(guild!.title).toMatch(/^Almost no join_guild with guild_name grubs any more: 0 after \d+$/)
  expect(whale!.text).toContain(found.pseudonym)
  for (const { text, recommended } of found)
    expect(`${text}${recommended}`).not.toMatch(/because|due to|caused/)
})

test('dead letters that are planted are found', LONG, async () => {
  const found = await findingsOf({ seed: 22, players: 300, bad: 200 })
  expect(found.map(({ kind }) => kind)).toEqual(['dead-letters'])
})

test.for([1, 2, 3, 4])('in ordinary weeks nothing is found (seed %i)', LONG, async (seed) => {
  const found = await findingsOf({ seed })
  expect([...found]).toEqual([])
})
