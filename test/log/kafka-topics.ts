/** Topics of the shared broker, by the library's own clients: what somebody else does with them. */
import { randomUUID } from 'node:crypto'
import { Admin, Producer } from '@platformatic/kafka'
import { findKafka } from '../engines/kafka.ts'

const kafka = await findKafka()

/** Why there is no broker. */
export const missing = 'missing' in kafka ? kafka.missing : undefined
export const broker = 'plaintext' in kafka ? kafka.plaintext : ''
export const newTopic = () => `t-${randomUUID().slice(0, 8)}`
export const urlOf = (topic: string, query = '') => `kafka://${broker}/${topic}${query}`

export async function withAdmin<T>(work: (admin: Admin) => Promise<T>, bootstrap = broker): Promise<T> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [bootstrap] })
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}

export function makeTopic(topic: string, configs: Record<string, string>, partitions = 1): Promise<unknown> {
  const list = Object.entries(configs).map(([name, value]) => ({ name, value }))
  return withAdmin((admin) => admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: list }))
}

export function deleteTopic(topic: string, bootstrap = broker): Promise<unknown> {
  return withAdmin((admin) => admin.deleteTopics({ topics: [topic] }), bootstrap)
}

/** Values written in one transaction, which is then committed or taken back. */
export async function inTransaction(topic: string, values: string[], end: 'commit' | 'abort'): Promise<void> {
  const producer = new Producer({
    clientId: 'test',
    bootstrapBrokers: [broker],
    idempotent: true,
    transactionalId: randomUUID(),
  })
  try {
    const transaction = await producer.beginTransaction()
    await transaction.send({
      messages: values.map((value) => ({ topic, partition: 0, value: Buffer.from(value) })),
    })
    await transaction[end]()
  } finally {
    await producer.close()
  }
}
