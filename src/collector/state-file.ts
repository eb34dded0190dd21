import { setImmediate as nextTurn } from 'node:timers/promises'
import { crc32c } from '@node-rs/crc32'
import { LandfallError } from '../base/errors.ts'
import { readIfPresent, replaceFile } from '../base/files.ts'
import type { Position } from '../model/position.ts'
import type { StoredAnswer } from './idempotency.ts'

/** What the collector remembers, as of a position of the log. The format is docs/formats/state.md. */
export interface Remembered {
  pipeline: string
  /** Of the state's definition: its initial value and its functions. */
  version: string
  position: Position
  states: readonly (readonly [key: string, value: unknown])[]
  answers: readonly StoredAnswer[]
}

const FORMAT = 'landfall-state'
const FORMAT_VERSION = 1
/** Entries turned into text before other work gets its turn. */
const SLICE = 500

/** Writes the file whole: a reader finds the old one or the new one. Durable when resolved. */
export async function writeStateFile(path: string, remembered: Remembered): Promise<void> {
  const { pipeline, version, position, states, answers } = remembered
  const head = {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    pipeline,
    version,
    position,
    states: states.length,
    answers: answers.length,
  }
  const chunks = [Buffer.from(`${JSON.stringify(head)}\n`)]
  let crc = crc32c(chunks[0]!)
  for (const entries of [states, answers]) {
    for (let i = 0; i < entries.length; i += SLICE) {
      const lines = entries.slice(i, i + SLICE).map((entry) => JSON.stringify(entry))
      const chunk = Buffer.from(`${lines.join('\n')}\n`)
      crc = crc32c(chunk, crc)
      chunks.push(chunk)
      await nextTurn()
    }
  }
  chunks.push(Buffer.from(`{"crc32c":"${crc.toString(16).padStart(8, '0')}"}\n`))
  await replaceFile(path, Buffer.concat(chunks))
}

/** Undefined when there is no file. Throws `collector/state-damaged` when its bytes are not what was written. */
export async function readStateFile(path: string): Promise<Remembered | undefined> {
  const bytes = await readIfPresent(path)
  if (bytes === undefined) return undefined
  const end = bytes.lastIndexOf('\n', bytes.length - 2) + 1
  const expected = `{"crc32c":"${crc32c(bytes.subarray(0, end)).toString(16).padStart(8, '0')}"}\n`
  if (bytes.toString('latin1', end) !== expected) throw damaged(path, 'the checksum does not fit')
  const lines = bytes.toString('utf8', 0, end - 1).split('\n')
  const head = JSON.parse(lines[0]!) as Record<string, unknown>
  if (head['format'] !== FORMAT || head['formatVersion'] !== FORMAT_VERSION) {
    throw damaged(path, `expected ${FORMAT} version ${FORMAT_VERSION}, found ${lines[0]!.slice(0, 80)}`)
  }
  const states = Number(head['states'])
  return {
    pipeline: String(head['pipeline']),
    version: String(head['version']),
    position: head['position'] as Position,
    states: lines.slice(1, 1 + states).map((line) => JSON.parse(line) as [string, unknown]),
    answers: lines.slice(1 + states).map((line) => JSON.parse(line) as StoredAnswer),
  }
}

function damaged(path: string, what: string): LandfallError {
  return new LandfallError(
    'bad-data',
    'collector/state-damaged',
    `reading the collector's state at ${path}: ${what}`,
    {
      hint: 'Remove the file: the state is then made anew from the log, if the log still holds its first record',
    },
  )
}
