/**
 * A power cut, in user space: records what the log does to its files, and builds the directories that a disk could hold if the
 * power went at any moment of that record.
 *
 * What a disk promises, and no more: a write is on it when a sync of the file that was begun after the write has come back; a
 * name when a sync of the directory has. Anything later may be there or not: writes by the sector of 512 bytes, in any mix;
 * names in their order up to some point.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type LogFiles, nodeFiles } from '../../src/log/drivers/embedded/files.ts'
import { systemError } from './log-directory.ts'

const SECTOR = 512

type FileStep =
  | { kind: 'write'; position: number; bytes: Uint8Array; time: number }
  | { kind: 'truncate'; length: number; time: number }

interface Inode {
  initial: Uint8Array
  steps: FileStep[]
  /** A sync begun at `from` came back at `at`. */
  syncs: { from: number; at: number }[]
}

type NameStep = { time: number } & (
  | { kind: 'link'; name: string; inode: Inode }
  | { kind: 'rename'; from: string; to: string }
  | { kind: 'unlink'; name: string }
)

export class DiskRecorder {
  /** Counts what happened; a moment to cut the power at. */
  time = 0
  /** Answers by the time they were given. */
  readonly answers: { time: number; baseOffset: number; names: string[] }[] = []
  /** The furthest offset that `trim` was told has landed. */
  landed = 0
  /** Called before each data sync; true: the sync fails, and what it covered stays off the disk. */
  failSync: () => boolean = () => false
  readonly files: LogFiles
  readonly #atStart = new Map<string, Inode>()
  readonly #names = new Map<string, Inode>()
  readonly #nameSteps: NameStep[] = []
  readonly #nameSyncs: { from: number; at: number }[] = []
  readonly #open = new Map<number, Inode>()

  /** `onDisk`: what of the directory's files is on the disk by now, where the page cache holds more. */
  constructor(directory: string, onDisk?: ReadonlyMap<string, Uint8Array>) {
    try {
      for (const name of readdirSync(directory)) {
        const initial = onDisk?.get(name) ?? readFileSync(`${directory}/${name}`)
        const inode: Inode = { initial, steps: [], syncs: [] }
        this.#atStart.set(name, inode)
        this.#names.set(name, inode)
      }
    } catch {
      // A new directory.
    }
    this.files = this.#recording(nodeFiles)
  }

  /** What the directory may hold after the power went at `time`. `random`: numbers in [0, 1). */
  cutAt(time: number, random: () => number): Map<string, Uint8Array> {
    const names = new Map(this.#atStart)
    const sure = latestSync(this.#nameSyncs, time)
    const pending = this.#nameSteps.filter((step) => step.time >= sure && step.time < time).length
    let spared = Math.floor(random() * (pending + 1))
    for (const step of this.#nameSteps) {
      if (step.time >= time || (step.time >= sure && spared-- <= 0)) break
      applyName(names, step)
    }
    const mood = random()
    const survives = () => (mood < 0.2 ? false : mood < 0.4 ? true : random() < 0.5)
    return new Map([...names].map(([name, inode]) => [name, contentAt(inode, time, survives)]))
  }

  #recording(real: LogFiles): LogFiles {
    const record = (
      fd: number,
      step: { kind: 'write'; position: number; bytes: Uint8Array } | { kind: 'truncate'; length: number },
    ) => {
      this.#open.get(fd)!.steps.push({ ...step, time: this.time++ } as FileStep)
    }
    const synced = (fd: number) => {
      const inode = this.#open.get(fd)!
      const from = this.time++
      return () => inode.syncs.push({ from, at: this.time++ })
    }
    return {
      ...real,
      create: async (path) => {
        const inode: Inode = { initial: new Uint8Array(), steps: [], syncs: [] }
        this.#name({ kind: 'link', name: basename(path), inode })
        const fd = await real.create(path)
        this.#open.set(fd, inode)
        return fd
      },
      openExisting: (path) => {
        const fd = real.openExisting(path)
        this.#open.set(fd, this.#names.get(basename(path))!)
        return fd
      },
      write: (fd, bytes, from, length, position) => {
        const written = real.write(fd, bytes, from, length, position)
        record(fd, { kind: 'write', position, bytes: Uint8Array.from(bytes.subarray(from, from + written)) })
        return written
      },
      writeBehind: (fd, bytes, position) => {
        record(fd, { kind: 'write', position, bytes: Uint8Array.from(bytes) })
        return real.writeBehind(fd, bytes, position)
      },
      truncate: (fd, length) => {
        record(fd, { kind: 'truncate', length })
        return real.truncate(fd, length)
      },
      datasync: (fd, done) => {
        if (this.failSync()) return void setImmediate(done, systemError('EIO'))
        const finished = synced(fd)
        setImmediate(() => {
          finished()
          done(null)
        })
      },
      sync: async (fd) => {
        const finished = synced(fd)
        await new Promise((resolve) => setImmediate(resolve))
        finished()
      },
      rename: (from, to) => {
        this.#name({ kind: 'rename', from: basename(from), to: basename(to) })
        return real.rename(from, to)
      },
      unlink: (path) => {
        this.#name({ kind: 'unlink', name: basename(path) })
        return real.unlink(path)
      },
      syncDirectory: async () => {
        const from = this.time++
        await new Promise((resolve) => setImmediate(resolve))
        this.#nameSyncs.push({ from, at: this.time++ })
      },
    }
  }

  #name(
    step:
      | { kind: 'link'; name: string; inode: Inode }
      | { kind: 'rename'; from: string; to: string }
      | { kind: 'unlink'; name: string },
  ): void {
    const timed = { ...step, time: this.time++ } as NameStep
    this.#nameSteps.push(timed)
    applyName(this.#names, timed)
  }
}

/** Writes a directory as it came out of a power cut. */
export function writeDirectory(directory: string, files: Map<string, Uint8Array>): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, bytes] of files) writeFileSync(`${directory}/${name}`, bytes)
}

function applyName(names: Map<string, Inode>, step: NameStep): void {
  if (step.kind === 'link') names.set(step.name, step.inode)
  else if (step.kind === 'unlink') names.delete(step.name)
  else {
    const inode = names.get(step.from)
    names.delete(step.from)
    if (inode !== undefined) names.set(step.to, inode)
  }
}

/** The latest moment up to which everything is on the disk for sure. */
function latestSync(syncs: readonly { from: number; at: number }[], time: number): number {
  return Math.max(-1, ...syncs.filter((sync) => sync.at < time).map((sync) => sync.from))
}

function contentAt(inode: Inode, time: number, survives: () => boolean): Uint8Array {
  const sure = latestSync(inode.syncs, time)
  let content = Buffer.from(inode.initial)
  for (const step of inode.steps) {
    if (step.time >= time) break
    const isSure = step.time < sure
    if (step.kind === 'truncate') {
      if (isSure || survives()) content = resized(content, step.length)
      continue
    }
    for (let at = step.position; at < step.position + step.bytes.length; ) {
      const end = Math.min((Math.floor(at / SECTOR) + 1) * SECTOR, step.position + step.bytes.length)
      if (isSure || survives()) {
        if (content.length < end) content = resized(content, end)
        content.set(step.bytes.subarray(at - step.position, end - step.position), at)
      }
      at = end
    }
  }
  return content
}

function resized(content: Buffer<ArrayBuffer>, length: number): Buffer<ArrayBuffer> {
  return length <= content.length
    ? content.subarray(0, length)
    : Buffer.concat([content, Buffer.alloc(length - content.length)])
}
