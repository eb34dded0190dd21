/** The one collector of a pipeline with state: whoever opens the log last has it, and what the others had under way is settled. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { LandfallError } from '../../src/base/errors.ts'
import { openLog, openLogReader } from '../../src/log/open.ts'
import { failure, newRecord, readAll } from '../conformance/log-suite.ts'
import { findKafka } from '../engines/kafka.ts'

const kafka = await findKafka()
const missing = 'missing' in kafka ? kafka.missing : undefined
const newUrl = (query = '') =>
  `kafka://${'plaintext' in kafka ? kafka.plaintext : ''}/x-${randomUUID().slice(0, 8)}${query}`

test('a second writer locks the first out, before it has written anything', async ({ skip }) => {
  if (missing) return skip(missing)
  const url = newUrl()
  const dead: LandfallError[] = []
  await using first = await openLog(url, { exclusive: true, onDead: (error) => dead.push(error) })
  await first.append([newRecord('a')])
  await using second = await openLog(url, { exclusive: true })
  const end = await second.end()
  expect(await failure(() => first.append([newRecord('late')]))).toMatchObject({ code: 'log/fenced' })
  expect(dead).toMatchObject([{ code: 'log/fenced', kind: 'fix-config' }])
  expect(await failure(() => first.append([newRecord('later')]))).toMatchObject({ code: 'log/closed' })
  expect(await second.end()).toEqual(end)
  await second.append([newRecord('b'), newRecord('c')])
  await using reader = await openLogReader(url)
  expect((await readAll(reader)).map((record) => record.value)).toEqual(['a', 'b', 'c'])
})

test('what somebody else writes beside is noticed before anything made without it is answered', async ({
  skip,
}) => {
  if (missing) return skip(missing)
  const url = newUrl()
  await using log = await openLog(url, { exclusive: true })
  await log.append([newRecord('a')])
  await using other = await openLog(url)
  await other.append([newRecord('foreign')])
  expect(await failure(() => log.append([newRecord('b')]))).toMatchObject({ code: 'log/unknown-outcome' })
  await log.append([newRecord('c')])
  expect((await readAll(log)).map((record) => record.value)).toEqual(['a', 'foreign', 'b', 'c'])
})

test('a topic of several partitions is refused by name', async ({ skip }) => {
  if (missing) return skip(missing)
  const opened = await failure(() => openLog(newUrl('?partitions=3'), { exclusive: true }))
  expect(opened).toMatchObject({
    code: 'log/topic',
    message: expect.stringMatching(/3 partitions.*state needs one/),
  })
})
