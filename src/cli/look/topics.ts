import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LandfallError } from '../../base/errors.ts'
import { humanBytes } from '../../base/quantities.ts'
import { dataPaths } from '../../pipeline/paths.ts'
import { createDataLog, openDataLog } from '../../pipeline/readers.ts'
import { formatTable } from '../table.ts'

export interface TopicsOptions {
  describe: boolean
  create: boolean
  ifNotExists: boolean
  json: boolean
}

/** The one topic of the embedded log. */
const TOPIC = 'events'

interface Topic {
  topic: string
  logId: string
  replication: number
  partitions: { partition: number; earliest: number; latest: number }[]
  segments: number
  bytes: number
}

/** `landfall topics`: what `kafka-topics --list`, `--describe` and `--create --if-not-exists` showed. */
export async function showTopics(data: string, options: TopicsOptions): Promise<void> {
  if (options.create) await createTopic(data, options)
  else await listTopics(data, options)
}

async function createTopic(data: string, { ifNotExists, json }: TopicsOptions): Promise<void> {
  const exists = existsSync(join(dataPaths(data).log, 'log.json'))
  if (exists && !ifNotExists) {
    throw new LandfallError('fix-config', 'log/exists', `the topic ${TOPIC} exists in ${data}`, {
      hint: 'Add --if-not-exists when that is fine',
    })
  }
  if (!exists) await createDataLog(data)
  if (json) process.stdout.write(`${JSON.stringify([await describeTopic(data)], null, 2)}\n`)
  else process.stdout.write(exists ? `topic ${TOPIC} exists\n` : `created topic ${TOPIC}\n`)
}

async function listTopics(data: string, { describe, json }: TopicsOptions): Promise<void> {
  const topic = await describeTopic(data)
  if (json) process.stdout.write(`${JSON.stringify([topic], null, 2)}\n`)
  else if (!describe) process.stdout.write(`${TOPIC}\n`)
  else {
    const { partitions, replication, segments, bytes, logId } = topic
    process.stdout.write(
      `Topic: ${TOPIC}  Partitions: ${partitions.length}  Replication: ${replication}  Segments: ${segments}  Bytes: ${humanBytes(bytes)}  Id: ${logId}\n\n`,
    )
    const rows = partitions.map(({ partition, earliest, latest }) =>
      [partition, earliest, latest, latest - earliest].map(String),
    )
    const head = ['Partition', 'Earliest', 'Latest', 'Records']
    process.stdout.write(`${formatTable(head, rows, { right: new Set([0, 1, 2, 3]) })}\n`)
  }
}

export async function describeTopic(data: string): Promise<Topic> {
  await using log = await openDataLog(data)
  const [start, end] = await Promise.all([log.start(), log.end()])
  const partitions = Object.entries(end.next).map(([partition, latest]) => ({
    partition: Number(partition),
    earliest: start.next[Number(partition)] ?? 0,
    latest,
  }))
  return { topic: TOPIC, logId: log.id, replication: 1, partitions, ...(await sizeOf(dataPaths(data).log)) }
}

/** What the segments take of the disk: they are laid out ahead, so this is more than the events in them. */
async function sizeOf(directory: string): Promise<{ segments: number; bytes: number }> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  const stats = await Promise.all(names.map((name) => stat(join(directory, name)).catch(() => undefined)))
  const bytes = stats.reduce((sum, found) => sum + (found?.size ?? 0), 0)
  return { segments: names.length, bytes }
}
