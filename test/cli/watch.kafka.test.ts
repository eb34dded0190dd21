/** `landfall watch` and `landfall topics` over a topic, beside kcat, the client that people know. */
import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { partitionOf } from '../../src/log/drivers/kafka/partitioner.ts'
import { openLog, openLogReader } from '../../src/log/open.ts'
import { newRecord } from '../conformance/log-suite.ts'
import { broker, newTopic, missing as noKafka, urlOf } from '../log/kafka-topics.ts'
import { projectRoot } from '../support/landfall.ts'
import { missingPrograms } from '../support/programs.ts'

const missing = noKafka ?? missingPrograms('kcat')
const run = promisify(execFile)

/** Lines that kcat prints of the topic, oldest first in each partition. */
async function kcat(topic: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await run('kcat', ['-b', broker, '-C', '-t', topic, '-e', '-q', ...args])
  return stdout.split('\n').filter((line) => line !== '')
}

function produce(topic: string, lines: string[], ...args: string[]): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn('kcat', ['-b', broker, '-P', '-t', topic, ...args], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    child.on('error', failed)
    child.on('exit', (code) => (code === 0 ? done() : failed(new Error(`kcat ended with ${code}`))))
    child.stdin.end(`${lines.join('\n')}\n`)
  })
}

async function landfall(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(projectRoot, 'bin/landfall.js'), ...args])
  return stdout
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')

test('watch and kcat show the same lines, whoever wrote them', async ({ skip }) => {
  if (missing) return skip(missing)
  const topic = newTopic()
  const url = urlOf(topic, '?partitions=3')
  await using log = await openLog(url)
  await log.append(
    Array.from({ length: 40 }, (_, i) =>
      newRecord(`{"event_type":"buy","n":${i},"name":"grüße 🗡"}`, { key: `k${i}` }),
    ),
  )
  // Every way to write that kcat has.
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    const lines = Array.from({ length: 30 }, (_, i) => `{"event_type":"foreign","codec":"${codec}","n":${i}}`)
    await produce(topic, lines, '-z', codec)
  }
  const [theirs, ours] = [await kcat(topic), linesOf(await landfall('watch', '--log', url, '--exit'))]
  expect(ours.length).toBe(190)
  expect(ours.sort()).toEqual(theirs.sort())
  for (const partition of ['0', '1', '2']) {
    const same = ['-f', '%p %o %T %k %s\\n', '-p', partition]
    expect(linesOf(await landfall('watch', '--log', url, '--exit', ...same))).toEqual(
      await kcat(topic, ...same),
    )
  }
  const last = ['-p', '1', '-o', '-5', '-f', '%o %s\\n']
  expect(linesOf(await landfall('watch', '--log', url, '--exit', ...last))).toEqual(
    await kcat(topic, ...last),
  )
  // What travels beside an event has Kafka's own place for it.
  const [headers] = await kcat(
    topic,
    '-c',
    '1',
    '-p',
    String(partitionOf(newRecord('', { key: 'k0' }), 3)),
    '-f',
    '%h\\n',
  )
  expect(headers).toMatch(/^id=id-.*,plan=0123456789abcdef,us=456$/)
})

test('a key goes to the partition that other clients choose for it', async ({ skip }) => {
  if (missing) return skip(missing)
  const topic = newTopic()
  await using log = await openLog(urlOf(topic, '?partitions=7'))
  const keys = Array.from({ length: 200 }, (_, i) => `${'schlüssel-🗝'.slice(0, i % 12)}${i * 7919}`)
  await produce(
    topic,
    keys.map((key) => `${key}\t{}`),
    '-K',
    '\t',
    '-X',
    'partitioner=murmur2',
  )
  for await (const batch of log.read({ follow: false })) {
    for (const { key } of batch.records) {
      expect(partitionOf(newRecord('', { key: String(key) }), 7), String(key)).toBe(batch.partition)
    }
  }
})

test('topics are made, described and refused as with the log of a directory', async ({ skip }) => {
  if (missing) return skip(missing)
  const topic = newTopic()
  const url = urlOf(topic, '?partitions=2')
  expect(await landfall('topics', '--log', url, '--create', '--if-not-exists')).toBe(
    `created topic ${topic}\n`,
  )
  expect(await landfall('topics', '--log', url, '--create', '--if-not-exists')).toBe(
    `topic ${topic} exists\n`,
  )
  await expect(landfall('topics', '--log', url, '--create')).rejects.toThrow(`the topic ${topic} exists in`)
  expect(await landfall('topics', '--log', url)).toBe(`${topic}\n`)
  await produce(topic, ['{}', '{}', '{}'], '-p', '1')
  await using reader = await openLogReader(url)
  const text = await landfall('topics', '--log', url, '--describe')
  expect(text).toContain(`Topic: ${topic}  Partitions: 2  Id: ${reader.id}`)
  const [described] = JSON.parse(await landfall('topics', '--log', url, '--json')) as unknown[]
  expect(described).toMatchObject({
    topic,
    partitions: [
      { partition: 0, earliest: 0, latest: 0 },
      { partition: 1, earliest: 0, latest: 3 },
    ],
  })
})
