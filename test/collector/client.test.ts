import { expect, test } from 'vitest'
import { createTracker } from '../../src/client/client.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { game, opened, stored } from './support.ts'

test('landfall/client: typed events arrive once, with receipts and verdicts', async () => {
  const pipeline = definePipeline({
    ...game.definition,
    sources: { app: { writeKey: 'k'.repeat(24), mode: 'reject' } },
  })
  const { collector, log } = await opened(pipeline)
  const tracker = createTracker<typeof game>({ url: collector.address, writeKey: 'k'.repeat(24), gzip: true })
  const receipts = await Promise.all(
    Array.from({ length: 200 }, () => tracker.track('purchase_sword', { type: 'sabre', cost: 6 })),
  )
  const wrong = tracker.track('purchase_sword', { type: 'sabre', cost: '6' as unknown as number })
  await expect(wrong).rejects.toMatchObject({ name: 'TrackError' })
  await tracker.close()
  const records = await stored(log)
  expect(receipts.map(({ eventId }) => eventId)).toEqual(records.map(({ headers }) => headers['id']))
  expect(receipts.map(({ offset }) => offset)).toEqual(records.map(({ offset }) => offset))
  expect(receipts[0]).toMatchObject({ logId: log.id, partition: 0 })
})
