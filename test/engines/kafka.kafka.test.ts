import { expect, test } from 'vitest'
import { Broker, findKafka, findKafkaParts } from './kafka.ts'

const kafka = await findKafka()

test('one broker serves the whole run', async ({ skip }) => {
  if ('missing' in kafka) return skip(kafka.missing)
  expect(kafka.plaintext).toMatch(/^127\.0\.0\.1:\d+$/)
  expect(await findKafka()).toEqual(kafka)
})

test('a broker of its own is killed and comes back at the same address', async ({ skip }) => {
  const parts = await findKafkaParts()
  if ('missing' in parts) return skip(parts.missing)
  await using broker = await Broker.start(parts)
  const before = broker.state
  await broker.signal('SIGKILL')
  await broker.start()
  expect(broker.state).toEqual(before)
})
