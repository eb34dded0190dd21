/**
 * A disk in user space: takes the trace of what a process did to its files, and builds a directory that a real disk could hold if the power
 * went at any step of it.
 *
 * What a disk promises, and no more: bytes are on it when a sync of the file, begun after they were written, has come back; a name when a
 * sync of its directory has. Anything later may be there or not:
 * - writes by the sector of 512 bytes, in any mix; beyond the size that is sure also zeros, or what other files left there;
 * - names: all, none, those up to some step, or any mix in which a name's later change does not survive without its earlier one. A rename is one
 *   change, as every file system with a journal has it. What lies in a directory that is lost is lost.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Step } from './trace.ts'

const SECTOR = 512

type Change = { at: number } & (
  | { what: 'write'; from: number; bytes: Buffer }
  | { what: 'truncate'; length: number }
  /** All bytes at once, as other code wrote them. */
  | { what: 'whole'; bytes: Buffer }
)

interface Inode {
  isDirectory: boolean
  changes: Change[]
  syncs: { from: number; at: number }[]
}

interface NameChange {
  at: number
  /** The name that appears; undefined: none. */
  path?: string
  /** The name that vanishes, with all beneath it. */
  gone?: string
  inode?: Inode
}

/** How much of what is not sure survives. */
type Survival = 'nothing' | 'everything' | 'a beginning' | 'a mix'

export class TracedDisk {
  readonly steps: readonly Step[]
  /** What the program said, by step. */
  readonly marks: { at: number; data: unknown }[] = []
  readonly #root: Inode = { isDirectory: true, changes: [], syncs: [] }
  readonly #names: NameChange[] = []
  /** As they stand at the end of the trace. */
  readonly #now = new Map<string, Inode>([['.', this.#root]])
  readonly #opened = new Map<number, Inode>()

  constructor(trace: string) {
    const lines = readFileSync(trace, 'utf8').split('\n').filter(Boolean)
    this.steps = lines.map((line) => JSON.parse(line) as Step)
    for (const [at, step] of this.steps.entries()) this.#take(at, step)
  }

  /** Writes to `directory` what may be left when the power goes before step `time`. Says how it chose. */
  cut(time: number, random: () => number, directory: string): string {
    const names = pick<Survival>(random, ['nothing', 'everything', 'a beginning', 'a mix'])
    const bytes = pick<Survival>(random, ['nothing', 'everything', 'a mix'])
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    const tree = this.#treeAt(time, names, random)
    for (const [path, inode] of [...tree].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const isThere = path === '.' || tree.get(dirname(path))?.isDirectory === true
      if (!isThere) tree.delete(path)
      else if (inode.isDirectory) mkdirSync(join(directory, path), { recursive: true })
      else writeFileSync(join(directory, path), contentAt(inode, time, bytes, random))
    }
    return `cut before step ${time}; of what was not synced survive ${names} of the names, ${bytes} of the bytes`
  }

  #take(at: number, step: Step): void {
    switch (step.step) {
      case 'open':
        return this.#open(at, step)
      case 'write': {
        const bytes = Buffer.from(step.bytes, 'base64')
        this.#opened.get(step.id)!.changes.push({ at, what: 'write', from: step.at, bytes })
        return
      }
      case 'truncate':
        this.#opened.get(step.id)!.changes.push({ at, what: 'truncate', length: step.length })
        return
      case 'sync':
        this.#opened.get(step.id)!.syncs.push({ from: step.from, at })
        return
      case 'native':
        return this.#native(at, step.path, Buffer.from(step.bytes, 'base64'))
      case 'mkdir':
        this.#makeDirectory(at, step.path)
        return
      case 'rename':
      case 'link': {
        const inode = this.#now.get(step.from)
        if (inode === undefined) throw new Error(`the trace does not know ${step.from}`)
        this.#change({ at, path: step.path, inode, ...(step.step === 'rename' ? { gone: step.from } : {}) })
        return
      }
      case 'unlink':
        return this.#change({ at, gone: step.path })
      case 'mark':
        this.marks.push({ at, data: step.data })
        return
    }
  }

  #open(at: number, { id, path, made, emptied }: Step & { step: 'open' }): void {
    if (made === true) this.#change({ at, path, inode: { isDirectory: false, changes: [], syncs: [] } })
    const inode = this.#now.get(path) ?? this.#makeDirectory(at, path)
    if (emptied === true) inode.changes.push({ at, what: 'truncate', length: 0 })
    this.#opened.set(id, inode)
  }

  #native(at: number, path: string, bytes: Buffer): void {
    const known = this.#now.get(path)
    if (known !== undefined) {
      if (!contentAt(known, Number.POSITIVE_INFINITY, 'everything', () => 0).equals(bytes)) {
        known.changes.push({ at, what: 'whole', bytes })
      }
      return
    }
    if (!this.#now.has(dirname(path))) this.#makeDirectory(at, dirname(path))
    this.#change({
      at,
      path,
      inode: { isDirectory: false, changes: [{ at, what: 'whole', bytes }], syncs: [] },
    })
  }

  #makeDirectory(at: number, path: string): Inode {
    const known = this.#now.get(path)
    if (known !== undefined) return known
    if (dirname(path) !== '.') this.#makeDirectory(at, dirname(path))
    const inode: Inode = { isDirectory: true, changes: [], syncs: [] }
    this.#change({ at, path, inode })
    return inode
  }

  #change(change: NameChange): void {
    this.#names.push(change)
    applyName(this.#now, change)
  }

  #treeAt(time: number, survival: Survival, random: () => number): Map<string, Inode> {
    const names = new Map<string, Inode>([['.', this.#root]])
    const changes = this.#names
      .filter(({ at }) => at < time)
      .map((change) => {
        const sure = isSure(change, names, time)
        applyName(names, change)
        return { change, sure }
      })
    const tree = new Map<string, Inode>([['.', this.#root]])
    let beginning = Math.floor(random() * (changes.filter(({ sure }) => !sure).length + 1))
    const lost = new Set<string>()
    for (const { change, sure } of changes) {
      const touched = [change.path, change.gone].filter((path) => path !== undefined)
      const survives =
        sure ||
        survival === 'everything' ||
        (survival === 'a beginning' && beginning-- > 0) ||
        (survival === 'a mix' && random() < 0.5 && !touched.some((path) => lost.has(path)))
      if (survives) applyName(tree, change)
      else for (const path of touched) lost.add(path)
    }
    return tree
  }
}

function applyName(names: Map<string, Inode>, { path, gone, inode }: NameChange): void {
  if (gone !== undefined) {
    names.delete(gone)
    for (const name of names.keys()) if (name.startsWith(`${gone}/`)) names.delete(name)
  }
  if (path !== undefined) names.set(path, inode!)
}

/** Whether the directory of the change was synced after it. `names`: as they stood at the change. */
function isSure(change: NameChange, names: ReadonlyMap<string, Inode>, time: number): boolean {
  const directory = names.get(dirname(change.path ?? change.gone!))
  return directory !== undefined && sureFrom(directory, time) > change.at
}

/** Steps before this one are on the disk. */
function sureFrom({ syncs }: Inode, time: number): number {
  return Math.max(0, ...syncs.filter(({ at }) => at < time).map(({ from }) => from))
}

function contentAt(inode: Inode, time: number, survival: Survival, random: () => number): Buffer {
  const sure = sureFrom(inode, time)
  let content: Buffer = Buffer.alloc(0)
  for (const change of inode.changes) {
    if (change.at >= time) break
    const survives = () =>
      change.at < sure || survival === 'everything' || (survival === 'a mix' && random() < 0.5)
    if (change.what === 'truncate') {
      if (survives()) content = resized(content, change.length)
      continue
    }
    if (change.what === 'whole') {
      if (change.at < sure) content = change.bytes
      else content = written(content, 0, change.bytes, survives, survival, random)
      continue
    }
    content = written(content, change.from, change.bytes, survives, survival, random)
  }
  return content
}

function written(
  before: Buffer,
  from: number,
  bytes: Buffer,
  survives: () => boolean,
  survival: Survival,
  random: () => number,
): Buffer {
  let content = before
  for (let at = from; at < from + bytes.length; ) {
    const end = Math.min((Math.floor(at / SECTOR) + 1) * SECTOR, from + bytes.length)
    if (survives()) {
      if (content.length < end) content = resized(content, end)
      else if (content === before) content = Buffer.from(before)
      content.set(bytes.subarray(at - from, end - from), at)
    } else if (survival === 'a mix' && end > before.length && random() < 0.3) {
      // The size has grown on the disk, the bytes have not come: zeros, or what was there before.
      const old = before.length
      if (content.length < end) content = resized(content, end)
      if (random() < 0.5)
        for (let i = Math.max(at, old); i < end; i++) content[i] = Math.floor(random() * 256)
    }
    at = end
  }
  return content
}

function resized(content: Buffer, length: number): Buffer {
  return length <= content.length
    ? Buffer.from(content.subarray(0, length))
    : Buffer.concat([content, Buffer.alloc(length - content.length)])
}

function pick<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!
}
