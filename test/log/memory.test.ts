import { expect, test } from 'vitest'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import { failure, logSuite, newRecord, readAll } from '../conformance/log-suite.ts'

logSuite({
  name: 'memory',
  secondReader: false,
  open: async (settings) => {
    const log = createMemoryLog(settings)
    return { log, close: async () => log[Symbol.asyncDispose]() }
  },
})

test('a failed sync of the memory log leaves nothing behind', async () => {
  let failing = true
  const log = createMemoryLog({
    sync: async () => {
      if (failing) throw new Error('no')
    },
  })
  expect(await failure(() => log.append([newRecord('a')]))).toEqual(new Error('no'))
  failing = false
  expect(await log.append([newRecord('b')])).toEqual({ partition: 0, baseOffset: 0 })
  expect((await readAll(log)).map((record) => record.value)).toEqual(['b'])
})
