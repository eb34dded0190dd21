import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { openLog, openLogReader } from '../../src/log/open.ts'
import { logSuite, newRecord, readAll } from '../conformance/log-suite.ts'
import { findKafka } from '../engines/kafka.ts'

const kafka = await findKafka()
const missing = 'missing' in kafka ? kafka.missing : undefined
const urlOf = (topic: string, query = '') =>
  `kafka://${'plaintext' in kafka ? kafka.plaintext : ''}/${topic}${query}`
const newTopic = () => `t-${randomUUID().slice(0, 8)}`

if (missing === undefined) {
  for (const partitions of [1, 3]) {
    logSuite({
      name: `kafka, ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`,
      secondReader: true,
      partitions,
      open: async (settings) => {
        const url = urlOf(newTopic(), `?partitions=${partitions}`)
        const log = await openLog(url, settings)
        return { log, openReader: () => openLogReader(url), close: async () => log[Symbol.asyncDispose]() }
      },
    })
  }
}

describe('log: kafka', () => {
  test('records stand as they were after closing and opening again, under the same id', async ({ skip }) => {
    if (missing) return skip(missing)
    const url = urlOf(newTopic())
    let id = ''
    for (let round = 0; round < 3; round++) {
      await using log = await openLog(url)
      if (round > 0) expect(log.id).toBe(id)
      id = log.id
      expect(await log.end()).toEqual({ logId: id, next: { 0: round * 3 } })
      await log.append([newRecord(`${round}a`), newRecord(`${round}b`)])
      await log.append([newRecord(`${round}c`)])
    }
    await using reader = await openLogReader(url)
    expect((await readAll(reader)).map((record) => record.value).join(' ')).toBe('0a 0b 0c 1a 1b 1c 2a 2b 2c')
  })
})
