import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isLandfallError, LandfallError } from '../../base/errors.ts'
import { humanBytes } from '../../base/quantities.ts'
import { isOwn, type Places, topicOf } from '../../pipeline/places.ts'
import { createDataLog, openDataLog } from '../../pipeline/readers.ts'
import { formatTable } from '../table.ts'

export interface TopicsOptions {
  describe: boolean
  create: boolean
  ifNotExists: boolean
  json: boolean
}

interface Topic {
  topic: string
  logId: string
  partitions: { partition: number; earliest: number; latest: number }[]
  /** Null when the log is a server's. */
  replication: number | null
  segments: number | null
  bytes: number | null
}

/** `landfall topics`: what `kafka-topics --list`, `--describe` and `--create --if-not-exists` showed. */
export async function showTopics(places: Places, options: TopicsOptions): Promise<void> {
  if (options.create) await createTopic(places, options)
  else await listTopics(places, options)
}

async function createTopic(places: Places, { ifNotExists, json }: TopicsOptions): Promise<void> {
  const name = topicOf(places)
  const exists = await topicExists(places)
  if (exists && !ifNotExists) {
    const where = isOwn(places, 'log') ? places.data : places.log
    throw new LandfallError('fix-config', 'log/exists', `the topic ${name} exists in ${where}`, {
      hint: 'Add --if-not-exists when that is fine',
    })
  }
  if (!exists) await createDataLog(places)
  if (json) process.stdout.write(`${JSON.stringify([await describeTopic(places)], null, 2)}\n`)
  else process.stdout.write(exists ? `topic ${name} exists\n` : `created topic ${name}\n`)
}

async function topicExists(places: Places): Promise<boolean> {
  if (isOwn(places, 'log')) return existsSync(join(places.paths.log, 'log.json'))
  try {
    await using _log = await openDataLog(places)
    return true
  } catch (error) {
    if (isLandfallError(error, 'log/no-topic')) return false
    throw error
  }
}

async function listTopics(places: Places, { describe, json }: TopicsOptions): Promise<void> {
  const topic = await describeTopic(places)
  if (json) process.stdout.write(`${JSON.stringify([topic], null, 2)}\n`)
  else if (!describe) process.stdout.write(`${topic.topic}\n`)
  else process.stdout.write(formatTopic(topic))
}

function formatTopic({ topic, partitions, replication, segments, bytes, logId }: Topic): string {
  const facts: [string, string | null][] = [
    ['Topic', topic],
    ['Partitions', String(partitions.length)],
    ['Replication', replication === null ? null : String(replication)],
    ['Segments', segments === null ? null : String(segments)],
    ['Bytes', bytes === null ? null : humanBytes(bytes)],
    ['Id', logId],
  ]
  const head = facts.filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}`)
  const rows = partitions.map(({ partition, earliest, latest }) =>
    [partition, earliest, latest, latest - earliest].map(String),
  )
  const columns = ['Partition', 'Earliest', 'Latest', 'Records']
  return `${head.join('  ')}\n\n${formatTable(columns, rows, { right: new Set([0, 1, 2, 3]) })}\n`
}

export async function describeTopic(places: Places): Promise<Topic> {
  await using log = await openDataLog(places)
  const [start, end] = await Promise.all([log.start(), log.end()])
  const partitions = Object.entries(end.next).map(([partition, latest]) => ({
    partition: Number(partition),
    earliest: start.next[Number(partition)] ?? 0,
    latest,
  }))
  const size = isOwn(places, 'log')
    ? { replication: 1, ...(await sizeOf(places.paths.log)) }
    : { replication: null, segments: null, bytes: null }
  return { topic: topicOf(places), logId: log.id, partitions, ...size }
}

/** What the segments take of the disk: they are laid out ahead, so this is more than the events in them. */
async function sizeOf(directory: string): Promise<{ segments: number; bytes: number }> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  const stats = await Promise.all(names.map((name) => stat(join(directory, name)).catch(() => undefined)))
  const bytes = stats.reduce((sum, found) => sum + (found?.size ?? 0), 0)
  return { segments: names.length, bytes }
}
