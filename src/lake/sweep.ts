import { isLandfallError } from '../base/errors.ts'
import { openSealed, sealJson } from '../base/sealed-json.ts'
import type { Storage } from '../storage/storage.ts'
import { entryStatus } from './manifest.ts'
import type { TableMetadata } from './metadata.ts'
import type { TableFiles } from './table-files.ts'

/** What the catalog itself looks after, in its own order: every metadata file, whoever wrote it. */
const CATALOG_FILE = /\/metadata\/([^/]+\.metadata\.json(\.gz)?|version-hint\.text)$/

/**
 * Finds the files of a table that nothing names any more and unlinks them after a grace time.
 *
 * A reader may have pinned a snapshot shortly before it expired, and a writer may be about to commit a file that it has
 * just written. So a file goes only when it was seen unreferenced at least `graceMs` ago and still is. The times of first
 * sight are kept in `metadata/unreferenced.json`: lost (a crash before it was written), files stay a while longer, and
 * nothing else happens. First the files are listed, then the metadata is loaded, so what was committed in between is seen as
 * referenced. A crash between two unlinks leaves the rest for the next round.
 *
 * A writer that was suspended for longer than the grace time must not come back and name what is gone. Before anything is
 * unlinked, a properties-only commit (the fence) makes every attempt that was staged before it lose; and an attempt that
 * begins after it refuses data files older than two thirds of the grace time (`TableWriter`).
 */
export interface SweepRound {
  /** The table's metadata as of the call. */
  load(): Promise<TableMetadata>
  /** Commits a new version without other changes and returns it. */
  fence(): Promise<TableMetadata>
  /** Whether somebody still needs this path. */
  keeps(path: string): boolean
  nowMs: number
  graceMs: number
}

export class Sweeper {
  readonly #storage: Storage
  readonly #files: TableFiles
  /** Table location → path → milliseconds at which it was first seen unreferenced. */
  readonly #seen = new Map<string, Map<string, number>>()
  /** Table location → when it was last swept. */
  readonly #swept = new Map<string, number>()

  constructor(storage: Storage, files: TableFiles) {
    this.#storage = storage
    this.#files = files
  }

  isDue(location: string, nowMs: number, intervalMs: number): boolean {
    return nowMs - (this.#swept.get(location) ?? Number.NEGATIVE_INFINITY) >= intervalMs
  }

  /** One round; returns how many files it unlinked. */
  async sweep(location: string, round: SweepRound): Promise<number> {
    const { nowMs } = round
    this.#swept.set(location, nowMs)
    const folder = this.#files.path(location)
    const memo = `${folder}/metadata/unreferenced.json`
    const candidates: string[] = []
    for (const part of ['data', 'metadata']) {
      for await (const { path } of this.#storage.list(`${folder}/${part}/`)) {
        if (path !== memo && !CATALOG_FILE.test(path)) candidates.push(path)
      }
    }
    const live = await this.#referenced(await round.load())
    const before = await this.#remembered(location, memo)
    const seen = new Map<string, number>()
    for (const path of candidates) {
      if (!live.has(path) && !round.keeps(path)) seen.set(path, Math.min(before.get(path) ?? nowMs, nowMs))
    }
    const due = [...seen].filter(([, since]) => nowMs - since >= round.graceMs).map(([path]) => path)
    let removed = 0
    if (due.length > 0) {
      const stillLive = await this.#referenced(await round.fence())
      for (const path of due) {
        if (stillLive.has(path)) continue
        await this.#storage.delete(path)
        seen.delete(path)
        removed += 1
      }
    }
    await this.#remember(location, memo, before, seen)
    return removed
  }

  /** Paths that the metadata names, directly or through manifests, of all its snapshots. */
  async #referenced(metadata: TableMetadata): Promise<Set<string>> {
    const live = new Set<string>()
    const add = (url: string) => live.add(this.#files.path(url))
    for (const snapshot of metadata.snapshots) {
      add(snapshot['manifest-list'])
      for (const manifest of await this.#files.manifests(snapshot)) {
        if (live.has(this.#files.path(manifest.url))) continue
        add(manifest.url)
        for (const entry of await this.#files.entries(metadata, manifest)) {
          if (entry.status !== entryStatus.deleted) add(entry.file.url)
        }
      }
    }
    // Other engines may add statistics files.
    const others = metadata as TableMetadata & Record<string, { 'statistics-path'?: string }[] | undefined>
    for (const list of [others.statistics, others['partition-statistics']]) {
      for (const file of list ?? []) if (file['statistics-path']) add(file['statistics-path'])
    }
    return live
  }

  async #remembered(location: string, memo: string): Promise<Map<string, number>> {
    const known = this.#seen.get(location)
    if (known !== undefined) return known
    try {
      const stored = openSealed(await this.#storage.read(memo)) as Record<string, number>
      return new Map(Object.entries(stored))
    } catch (error) {
      // Absent or unreadable: the grace time begins anew.
      if (isLandfallError(error) && error.code !== 'storage/not-found') throw error
      return new Map()
    }
  }

  async #remember(
    location: string,
    memo: string,
    before: Map<string, number>,
    seen: Map<string, number>,
  ): Promise<void> {
    this.#seen.set(location, seen)
    const same = before.size === seen.size && [...seen].every(([path, since]) => before.get(path) === since)
    if (!same)
      await this.#storage.write(memo, sealJson(JSON.stringify(Object.fromEntries(seen))), { durable: false })
  }
}
