/**
 * The durable position, published: followers in other processes stop there, and a start-up that finds less has found damage.
 *
 * The file `durable` has two slots, at bytes 0 and 512; a slot (numbers little-endian):
 *
 *      0  magic      4 bytes  "LFDP"
 *      4  version    uint32   1
 *      8  logId      16 bytes the log's UUID
 *     24  epoch      uint64   one more at each opening and at each takeover after a failed sync
 *     32  sequence   uint64   one more at each publication
 *     40  segment    uint64   base offset of the segment that is written to
 *     48  position   uint64   bytes of it that are durable
 *     56  next       uint64   offset behind the last durable record
 *     64  crc        uint32   CRC-32C of bytes 0 to 64
 *
 * Publication n goes to slot n mod 2, after the sync that it reports. So at any moment, and after any crash, at least one slot
 * is whole: a reader takes the whole one with the higher sequence. The file is never replaced, so that a watch on it holds.
 * A log that is idle or closed has published its end twice: damage to one slot hides nothing then.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { crc32c } from '@node-rs/crc32'
import { systemCode } from '../../../base/errors.ts'
import { datasync, type LogFiles, writeAll } from './files.ts'

const MAGIC = 0x5044464c
const VERSION = 1
const CRC_AT = 64
const SLOT_BYTES = 68
const SLOT_DISTANCE = 512

export interface Durable {
  epoch: number
  segment: number
  position: number
  next: number
}

export const durablePath = (directory: string): string => `${directory}/durable`

const idBytes = (logId: string): Buffer => Buffer.from(logId.replaceAll('-', ''), 'hex')

/** The writer's end. */
export class DurableFile {
  readonly #files: LogFiles
  readonly #fd: number
  readonly #slot = Buffer.alloc(SLOT_BYTES)
  #sequence: number

  private constructor(files: LogFiles, fd: number, logId: string, sequence: number) {
    this.#files = files
    this.#fd = fd
    this.#sequence = sequence
    this.#slot.writeUInt32LE(MAGIC, 0)
    this.#slot.writeUInt32LE(VERSION, 4)
    idBytes(logId).copy(this.#slot, 8)
  }

  static async open(
    files: LogFiles,
    directory: string,
    logId: string,
    sequence: number,
  ): Promise<DurableFile> {
    const path = durablePath(directory)
    let fd: number
    try {
      fd = files.openExisting(path)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
      fd = await files.create(path)
    }
    return new DurableFile(files, fd, logId, sequence)
  }

  /** One that fails may have torn its slot: the next goes to the same, and the other stays whole. */
  publish(durable: Durable): void {
    const slot = this.#slot
    const sequence = this.#sequence + 1
    putUint64(slot, 24, durable.epoch)
    putUint64(slot, 32, sequence)
    putUint64(slot, 40, durable.segment)
    putUint64(slot, 48, durable.position)
    putUint64(slot, 56, durable.next)
    slot.writeUInt32LE(crc32c(slot.subarray(0, CRC_AT)), CRC_AT)
    writeAll(this.#files, this.#fd, slot, (sequence % 2) * SLOT_DISTANCE)
    this.#sequence = sequence
  }

  sync(): Promise<void> {
    return datasync(this.#files, this.#fd)
  }

  close(): Promise<void> {
    return this.#files.close(this.#fd)
  }
}

/** The reader's end: one small read. */
export class DurableFileReader {
  readonly #fd: number
  readonly #id: Buffer
  readonly #bytes = Buffer.alloc(SLOT_DISTANCE + SLOT_BYTES)

  private constructor(fd: number, logId: string) {
    this.#fd = fd
    this.#id = idBytes(logId)
  }

  /** Undefined when nothing has been published yet. */
  static open(directory: string, logId: string): DurableFileReader | undefined {
    try {
      return new DurableFileReader(openSync(durablePath(directory), 'r'), logId)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    }
  }

  /** What was published last, or undefined when no slot is whole (torn by a crash, or still empty). */
  read(): (Durable & { sequence: number }) | undefined {
    const length = readSync(this.#fd, this.#bytes, 0, this.#bytes.length, 0)
    this.#bytes.fill(0, length)
    const a = this.#slot(0)
    const b = this.#slot(SLOT_DISTANCE)
    if (a === undefined || b === undefined) return a ?? b
    return a.sequence > b.sequence ? a : b
  }

  get bytes(): number {
    return fstatSync(this.#fd).size
  }

  close(): void {
    closeSync(this.#fd)
  }

  #slot(at: number): (Durable & { sequence: number }) | undefined {
    const bytes = this.#bytes.subarray(at, at + SLOT_BYTES)
    if (bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt32LE(4) !== VERSION) return
    if (crc32c(bytes.subarray(0, CRC_AT)) !== bytes.readUInt32LE(CRC_AT)) return
    if (bytes.compare(this.#id, 0, 16, 8, 24) !== 0) return
    return {
      epoch: getUint64(bytes, 24),
      sequence: getUint64(bytes, 32),
      segment: getUint64(bytes, 40),
      position: getUint64(bytes, 48),
      next: getUint64(bytes, 56),
    }
  }
}

/** The id of the log in the bytes of `durable`; undefined when no slot is whole. */
export function readPublishedId(bytes: Buffer): string | undefined {
  for (const at of [0, SLOT_DISTANCE]) {
    const slot = bytes.subarray(at, at + SLOT_BYTES)
    if (slot.length < SLOT_BYTES || slot.readUInt32LE(0) !== MAGIC) continue
    if (crc32c(slot.subarray(0, CRC_AT)) !== slot.readUInt32LE(CRC_AT)) continue
    return slot.toString('hex', 8, 24).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  return undefined
}

function putUint64(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32LE(value >>> 0, at)
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4)
}

function getUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000
}
