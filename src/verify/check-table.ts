/** A table by its files: every snapshot's list, manifests and data files, as they say of each other and by their checksums. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { isLandfallError, LandfallError } from '../base/errors.ts'
import type { TableVersion } from '../catalog/catalog.ts'
import { entryStatus, type ManifestEntry, type ManifestFile } from '../lake/manifest.ts'
import { findSnapshot, type Snapshot } from '../lake/metadata.ts'
import { quoteText } from '../lake/schema.ts'
import { TableFiles } from '../lake/table-files.ts'
import type { Storage } from '../storage/storage.ts'
import type { Findings } from './report.ts'
import { whereRowsAre } from './where-rows-are.ts'

/** What is left of a table, for whoever compares or rebuilds its rows. */
export interface CheckedTable {
  version: TableVersion
  /** Of the current snapshot: files that are there and right, and those that are not. */
  whole: ManifestEntry[]
  lost: ManifestEntry[]
  /** Manifests of the current snapshot that cannot be read; with them the files they name. */
  lostManifests: ManifestFile[]
  /** The current snapshot's list cannot be read, so nothing of it is known. */
  lostList: boolean
  /** Rows that `events` has for it and it has not. */
  lacking: number
}

interface Known {
  entry: ManifestEntry
  /** Snapshots that name the file, the current one among them. */
  snapshots: number
  live: boolean
}

export class TableCheck {
  readonly #storage: Storage
  readonly #files: TableFiles
  readonly #findings: Findings
  readonly #connection: DuckDBConnection
  readonly #version: TableVersion
  readonly #known = new Map<string, Known>()
  /** What was said of a manifest that several snapshots name. */
  readonly #manifests = new Map<string, ManifestEntry[] | undefined>()
  readonly #checked: CheckedTable

  constructor(version: TableVersion, storage: Storage, connection: DuckDBConnection, findings: Findings) {
    this.#version = version
    this.#storage = storage
    // Of its own, so that nothing is remembered from before.
    this.#files = new TableFiles(storage)
    this.#connection = connection
    this.#findings = findings
    this.#checked = { version, whole: [], lost: [], lostManifests: [], lostList: false, lacking: 0 }
  }

  async run(signal: AbortSignal, onBytes: (bytes: number) => void): Promise<CheckedTable> {
    const { metadata } = this.#version
    // The current one first: of it the most is said.
    const current = findSnapshot(metadata)
    if (current !== undefined) await this.#snapshot(current, true)
    for (const snapshot of metadata.snapshots) {
      if (snapshot !== current) await this.#snapshot(snapshot, false)
    }
    for (const known of this.#known.values()) {
      signal.throwIfAborted()
      const whole = await this.#dataFile(known, signal)
      if (known.live) (whole ? this.#checked.whole : this.#checked.lost).push(known.entry)
      onBytes(known.entry.file.bytes)
    }
    return this.#checked
  }

  async #snapshot(snapshot: Snapshot, live: boolean): Promise<void> {
    const manifests = await this.#list(snapshot, live)
    if (manifests === undefined) return
    let [rows, files, complete] = [0, 0, true]
    for (const manifest of manifests) {
      const entries = await this.#manifest(snapshot, manifest, live)
      if (entries === undefined) {
        complete = false
        if (live) this.#checked.lostManifests.push(manifest)
        continue
      }
      for (const entry of entries) {
        if (entry.status === entryStatus.deleted) continue
        rows += entry.file.rows
        files += 1
        this.#name(entry, live)
      }
    }
    if (complete) this.#total(snapshot, rows, files)
  }

  async #list(snapshot: Snapshot, live: boolean): Promise<ManifestFile[] | undefined> {
    const url = snapshot['manifest-list']
    try {
      const manifests = await this.#files.manifests(snapshot)
      await this.#size('manifest', url, undefined)
      return manifests
    } catch (error) {
      if (live) this.#checked.lostList = true
      this.#unreadable(error, url, live, `the list of snapshot ${snapshot['snapshot-id']}`, {
        rows: Number(snapshot.summary['total-records'] ?? 0),
      })
      return undefined
    }
  }

  async #manifest(snapshot: Snapshot, manifest: ManifestFile, live: boolean) {
    const { url } = manifest
    if (this.#manifests.has(url)) return this.#manifests.get(url)
    let entries: ManifestEntry[] | undefined
    try {
      entries = await this.#files.entries(this.#version.metadata, manifest)
      await this.#size('manifest', url, manifest.bytes)
      this.#countsOf(manifest, entries)
    } catch (error) {
      const rows = manifest.addedRows + manifest.existingRows
      const what = `a manifest of snapshot ${snapshot['snapshot-id']}, which names ${manifest.addedFiles + manifest.existingFiles} files`
      this.#unreadable(error, url, live, what, { rows })
    }
    this.#manifests.set(url, entries)
    return entries
  }

  #countsOf(manifest: ManifestFile, entries: readonly ManifestEntry[]): void {
    const rowsOf = (status: number) =>
      entries.filter((entry) => entry.status === status).reduce((sum, { file }) => sum + file.rows, 0)
    const found = [rowsOf(entryStatus.added), rowsOf(entryStatus.existing)].join(' + ')
    const said = [manifest.addedRows, manifest.existingRows].join(' + ')
    if (found !== said) {
      this.#damage(`${manifest.url}: the list says ${said} rows, its entries have ${found}`, manifest.url)
    }
  }

  #total(snapshot: Snapshot, rows: number, files: number): void {
    const { 'total-records': saidRows, 'total-data-files': saidFiles } = snapshot.summary
    if (saidRows !== undefined && Number(saidRows) !== rows) {
      this.#damage(
        `snapshot ${snapshot['snapshot-id']} of ${this.#version.name}: its summary says ${saidRows} rows, its manifests ${rows}`,
        snapshot['manifest-list'],
      )
    }
    if (saidFiles !== undefined && Number(saidFiles) !== files) {
      this.#damage(
        `snapshot ${snapshot['snapshot-id']} of ${this.#version.name}: its summary says ${saidFiles} data files, its manifests ${files}`,
        snapshot['manifest-list'],
      )
    }
  }

  #name(entry: ManifestEntry, live: boolean): void {
    const known = this.#known.get(entry.file.url)
    if (known === undefined) this.#known.set(entry.file.url, { entry, snapshots: 1, live })
    else known.snapshots += 1
  }

  async #dataFile(known: Known, signal: AbortSignal): Promise<boolean> {
    const { file } = known.entry
    try {
      await this.#size('data', file.url, file.bytes)
      const leased = await this.#files.lease([{ path: this.#files.path(file.url), bytes: file.bytes }], {
        signal,
        fresh: true,
      })
      try {
        await this.#rowsOf(leased.locations[0]!, file.url, file.rows)
      } finally {
        leased.release()
      }
      if (!/-crc32c-/.test(file.url)) {
        this.#findings.unchecked.files += 1
        this.#findings.unchecked.bytes += file.bytes
      }
      return true
    } catch (error) {
      signal.throwIfAborted()
      const { name } = this.#version
      const where = whereRowsAre(this.#version.metadata, known.entry)
      const past = known.live
        ? ''
        : `; only ${known.snapshots} older snapshots name it, which expire by themselves`
      this.#report(known.live, `${messageOf(error)}${past}`, {
        file: file.url,
        table: name,
        rows: known.live ? file.rows : 0,
        ...where,
      })
      return false
    }
  }

  /** Size on storage against what is said of it. */
  async #size(kind: string, url: string, bytes: number | undefined): Promise<void> {
    const path = this.#files.path(url)
    const found = await this.#storage.stat(path)
    if (found === undefined) throw new LandfallError('bad-data', 'verify/missing', `${url} is missing`)
    if (bytes !== undefined && found.bytes !== bytes) {
      throw new LandfallError(
        'bad-data',
        'verify/size',
        `${url} has ${found.bytes} bytes, its table says ${bytes}`,
      )
    }
    this.#findings.count(kind, found.bytes)
  }

  async #rowsOf(location: string, url: string, rows: number): Promise<void> {
    let found: number
    try {
      const result = await this.#connection.runAndReadAll(
        `SELECT num_rows FROM parquet_file_metadata(${quoteText(location.replace(/[*?[]/g, '[$&]'))})`,
      )
      found = Number(result.getRows()[0]?.[0])
    } catch (error) {
      const why = (error as Error).message.split('\n')[0]!
      throw new LandfallError('bad-data', 'verify/parquet', `${url} is no Parquet file: ${why}`)
    }
    if (found !== rows)
      throw new LandfallError('bad-data', 'verify/rows', `${url} has ${found} rows, its table says ${rows}`)
  }

  #unreadable(error: unknown, file: string, live: boolean, what: string, said: { rows: number }): void {
    const past = live ? '' : '; only an older snapshot needs it'
    this.#report(live, `${what} of ${this.#version.name}: ${messageOf(error)}${past}`, {
      file,
      table: this.#version.name,
      rows: live ? said.rows : 0,
    })
  }

  /** Damage that only older snapshots see hides no row from anybody: they expire by themselves. */
  #report(live: boolean, message: string, said: Parameters<Findings['damage']>[1]): void {
    if (live) this.#findings.damage(message, said)
    else this.#findings.note(message, said)
  }

  #damage(message: string, file: string): void {
    this.#findings.damage(message, { file, table: this.#version.name })
  }
}

/** Anything that is no finding about the bytes (storage away, a mistake of ours) ends the verification. */
function messageOf(error: unknown): string {
  if (isLandfallError(error) && error.kind === 'bad-data') return error.message
  throw error
}
