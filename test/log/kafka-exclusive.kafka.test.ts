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

test('several that start at once: one has it in the end, and each of the others is told so', async ({
  skip,
}) => {
  if (missing) return skip(missing)
  const url = newUrl()
  await (await openLog(url))[Symbol.asyncDispose]()
  const opened = await Promise.allSettled(Array.from({ length: 4 }, () => openLog(url, { exclusive: true })))
  const appended = await Promise.all(
    opened.map((one, i) =>
      one.status === 'fulfilled'
        ? failure(() => one.value.append([newRecord(`from ${i}`)]))
        : Promise.resolve(one.reason as unknown),
    ),
  )
  const told = appended.filter((error) => error !== undefined)
  expect(told.length).toBe(3)
  // Who is fenced while its batch is on its way cannot know what has become of it.
  for (const error of told)
    expect(error).toMatchObject({ code: expect.stringMatching(/^log\/(fenced|unknown-outcome)$/) })
  for (const one of opened) if (one.status === 'fulfilled') await one.value[Symbol.asyncDispose]()
})
