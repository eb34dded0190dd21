import { open } from 'node:fs/promises'
import { openEmbeddedLog } from '../src/log/drivers/embedded/embedded-log.ts'
import { FrameScanner } from '../src/log/drivers/embedded/frame-scanner.ts'
import { listSegments, segmentPath } from '../src/log/drivers/embedded/segment.ts'
import type { EventLog } from '../src/log/log.ts'
import type { NewRecord } from '../src/model/record.ts'
import { gameEvents } from './game-events.ts'
import { type Bench, check, comparePairs, median, timed } from './harness.ts'
import { filesWithoutSync } from './sync-files.ts'

const BATCH = 1_000
const CALLERS = 8

/** The log alone, without HTTP: what a sync costs, and how fast a log that was left is read again at the start. */
export const benchLog: Bench = async ({ pairs, seconds, directory, say }) => {
  const records = newRecords()
  const runs = { count: 0 }
  const append = (durable: boolean) => async () => {
    const files = durable ? {} : { files: filesWithoutSync }
    await using log = await openEmbeddedLog({ directory: `${directory}/log-${runs.count++}`, ...files })
    return await appendFor(log, records, seconds)
  }
  say('log: append, durable and not')
  const appended = await comparePairs(pairs, append(true), append(false))
  say('log: recovery')
  const scan = await scanRate(`${directory}/log-recovery`, records)
  return [
    {
      name: 'log append of 1,000, durable ÷ not durable',
      value: appended.ratio,
      unit: '×',
      goal: undefined,
      samples: appended.ratios,
      detail: { durableEventsPerSecond: appended.of, notDurableEventsPerSecond: appended.against },
    },
    {
      name: 'log recovery, scan of frames',
      value: median(scan.samples),
      unit: 'GiB/s',
      goal: { is: 'at least', value: 1 },
      samples: scan.samples,
      detail: { bytes: scan.bytes, openMs: scan.openMs },
    },
  ]
}

function newRecords(): NewRecord[] {
  return gameEvents(BATCH).map((value, i) => ({
    key: `user${i % 50}.comcast.com`,
    value,
    receivedAt: 1_700_000_000_000_000 + i,
    headers: [['id', `00000000-0000-7000-8000-${String(i).padStart(12, '0')}`]],
  }))
}

/** Events per second of some callers that each append the next batch when the last is answered; every offset is checked. */
async function appendFor(log: EventLog, records: NewRecord[], seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000
  let events = 0
  const { seconds: took } = await timed(() =>
    Promise.all(
      Array.from({ length: CALLERS }, async () => {
        while (performance.now() < until) {
          await log.append(records)
          events += records.length
        }
      }),
    ),
  )
  const end = (await log.end()).next[0]
  check(end === events, `${events} records were acknowledged, the log ends at ${end}`)
  return events / took
}

/** Fills segments, then scans each as recovery does its last; and opens the log again, as the next start does. */
async function scanRate(directory: string, records: NewRecord[]) {
  const segmentBytes = 256 * 1024 * 1024
  let events = 0
  {
    await using log = await openEmbeddedLog({ directory, segmentBytes })
    for (let bytes = 0; bytes < segmentBytes * 0.8; bytes += records.length * 200) {
      await log.append(records)
      events += records.length
    }
  }
  const paths = (await listSegments(directory)).map((base) => ({ base, path: segmentPath(directory, base) }))
  const samples: number[] = []
  let bytes = 0
  for (let i = 0; i < 5; i++) {
    const { seconds, value } = await timed(() => scanAll(paths))
    check(value.next === events, `the scan found ${value.next} of ${events} records`)
    bytes = value.bytes
    samples.push(bytes / 2 ** 30 / seconds)
  }
  const opened = await timed(() => openEmbeddedLog({ directory, segmentBytes }))
  const end = (await opened.value.end()).next[0]
  await opened.value[Symbol.asyncDispose]()
  check(end === events, `recovery found ${end} of ${events} records`)
  return { samples, bytes, openMs: opened.seconds * 1000 }
}

async function scanAll(segments: { base: number; path: string }[]) {
  let next = 0
  let bytes = 0
  for (const { base, path } of segments) {
    check(next === base, `segment ${base} follows offset ${next}`)
    const handle = await open(path, 'r')
    const scanner = new FrameScanner(handle, 0, (await handle.stat()).size)
    for (let frame = await scanner.next(next); frame !== undefined; frame = await scanner.next(next))
      next = frame.nextOffset
    bytes += scanner.position
    await handle.close()
  }
  return { next, bytes }
}
