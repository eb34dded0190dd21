/** Questions of a pipeline file in tests of its author: asked of a few events, and refused at start where they name what is not there. */
import { expect, test } from 'vitest'
import game from '../../examples/game/pipeline.ts'
import { askQuestion } from '../../src/pipeline/ask-question.ts'
import { checkAll } from '../../src/pipeline/check-named.ts'

const PIPELINE = 'examples/game/pipeline.ts'
const LONG = { timeout: 60_000 }
const sword = { event_type: 'purchase_sword', type: 'sabre', cost: 6, Host: 'user1.comcast.com' } as const
const shield = { ...sword, event_type: 'purchase_shield', cost: 30 } as const

test('a question is asked of events that are landed for it', LONG, async () => {
  const events = [sword, sword, { ...shield, Host: 'user2.comcast.com' }]
  expect(await askQuestion(game, 'money_per_player', { events })).toEqual([
    { Host: 'user2.comcast.com', money: 30 },
    { Host: 'user1.comcast.com', money: 12 },
  ])
  // @ts-expect-error a misspelt event
  const misspelt = askQuestion(game, 'buyers', { events: [{ ...sword, event_type: 'purchase_swrd' }] })
  expect(await misspelt).toEqual([{ players: 0 }])
  await expect(askQuestion(game, 'byers', { events })).rejects.toMatchObject({
    hint: 'Did you mean buyers?',
  })
})

test('views and reference files are there, where the pipeline file is named', LONG, async () => {
  const sql = 'SELECT item, sold FROM sales WHERE sold > 0'
  const asking = {
    ...game,
    compiled: { ...game.compiled, questions: [{ name: 'q', title: 'q', sql, chart: 'table' as const }] },
  }
  const where = { events: [sword, sword], pipelineFile: PIPELINE }
  expect(await askQuestion(asking, 'q', where)).toEqual([{ item: 'sabre', sold: 2 }])
})

test('a question that names what is not there is refused by a check, with the name', LONG, async () => {
  const checked = (sql: string) =>
    checkAll({ ...game.compiled, questions: [{ name: 'q', title: 'q', sql, chart: 'table' }] }, PIPELINE)
  await expect(checked('SELECT mony FROM purchases')).rejects.toMatchObject({
    code: 'model/question',
    message: expect.stringMatching(/^questions\.q: .*mony/),
  })
  await expect(checked('SELECT 1 FROM purchasess')).rejects.toMatchObject({ code: 'model/question' })
  // What only another server knows is for that server.
  await checked('SELECT some_function(type) FROM purchases')
  await checked(
    'SELECT reason, sum(pending) FROM dead_letters, ledger, sales, "purchases$files" GROUP BY reason',
  )
})
