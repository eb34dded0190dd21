/** Flips in the files of a log: segments, the durable position, the identity, and the spare that the next segment is made of. */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import type { LogReader } from '../../src/log/log.ts'
import { newRecord } from '../conformance/log-suite.ts'
import { type Found, outcomeOf, type Probe } from './flip-reading.ts'

export interface LogContent {
  id: string
  records: string[]
}

/** Followers read what is there or say what is not; the door opens with every record or not at all. */
export function logProbe(log: string, files: string[]): () => Promise<Probe> {
  return async () => {
    const before = await readLog(log)
    const ask = async (): Promise<Found> => {
      const copy = copyOf(log, 'spare')
      try {
        const outcomes = [
          await outcomeOf(() => readLog(copy), before),
          await outcomeOf(() => openAndRead(copy), before),
        ]
        return outcomes.includes('detected') ? 'detected' : 'harmless'
      } finally {
        remove(copy)
      }
    }
    return { files: files.filter((file) => existsSync(file) && statSync(file).size > 0), ask }
  }
}

const SMALL = { segmentBytes: 4096, diskReserve: 0 }
/** Of the records that a log gets: some of them fill more than a segment. */
const VALUE = 'x'.repeat(700)

/**
 * A spare becomes the next segment, whatever stands in it: what is appended then is there, for followers, after a kill and after a
 * clean end. The log is made in a folder of its own.
 */
export function spareProbe(log: string): () => Promise<Probe> {
  return async () => {
    const writer = await openEmbeddedLog({ directory: log, ...SMALL })
    await writer.append([newRecord(VALUE)])
    while (!existsSync(join(log, 'spare'))) await sleep(1)
    await writer[Symbol.asyncDispose]()
    let expected: LogContent | undefined
    const ask = async (): Promise<Found> => {
      const copy = copyOf(log)
      let killed: string | undefined
      try {
        const alive = await openEmbeddedLog({ directory: copy, ...SMALL })
        for (let i = 0; i < 6; i++) await alive.append([newRecord(`${i}${VALUE}`)])
        const followed = await readLog(copy)
        const left = (killed = copyOf(copy))
        await alive[Symbol.asyncDispose]()
        expected ??= followed
        const outcomes = [
          await outcomeOf(async () => followed, expected),
          await outcomeOf(() => openAndRead(left), expected),
          await outcomeOf(() => openAndRead(copy), expected),
        ]
        return outcomes.includes('detected') ? 'detected' : 'harmless'
      } finally {
        remove(copy)
        if (killed !== undefined) remove(killed)
      }
    }
    // Once as it is, to know what must be there.
    await ask()
    return { files: [join(log, 'spare')], ask }
  }
}

export async function readLog(directory: string): Promise<LogContent> {
  await using reader = await openEmbeddedReader({ directory })
  return { id: reader.id, records: await recordsOf(reader) }
}

async function openAndRead(directory: string): Promise<LogContent> {
  await using writer = await openEmbeddedLog({ directory, ...SMALL })
  return { id: writer.id, records: await recordsOf(writer) }
}

async function recordsOf(log: LogReader): Promise<string[]> {
  const records: string[] = []
  for await (const batch of log.read({ follow: false })) {
    for (const { offset, receivedAt, value, headers } of batch.records) {
      records.push(
        `${offset} ${receivedAt} ${value.toString()} ${headers.map((header) => header.join('=')).join(' ')}`,
      )
    }
  }
  return records
}

/** A copy of a log's directory, without these files. */
function copyOf(from: string, ...without: string[]): string {
  const to = mkdtempSync(join(tmpdir(), 'landfall-flip-'))
  for (const name of readdirSync(from)) {
    if (name !== 'lock' && !without.includes(name))
      cpSync(join(from, name), join(to, name), { recursive: true })
  }
  return to
}

function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
}
