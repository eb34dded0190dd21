import { isLandfallError, LandfallError } from '../../base/errors.ts'
import { formatMetadata, parseMetadata, type TableMetadata } from '../../lake/metadata.ts'
import type { Storage } from '../../storage/storage.ts'
import { type Catalog, DEFAULT_NAMESPACE, type TableVersion } from '../catalog.ts'
import { checkTableName, conflict, damaged, unknownOutcome } from '../catalog-errors.ts'

/** Older versions of the metadata that stay readable (`write.metadata.previous-versions-max`). */
const PREVIOUS_VERSIONS_MAX = 20

/**
 * The catalog in the lake's own files: `<namespace>/<table>/metadata/v<N>.metadata.json`, as Iceberg's file system tables.
 *
 * Which version is current: N such that v<N> exists and v<N+1> does not. `createExclusive` of v<N+1> is the commit.
 * `version-hint.text` only says where to begin looking; it may be behind (a writer died or was overtaken).
 *
 * Old versions are deleted strictly in ascending order, so whoever finds v<N> there *after* it found v<N+1> missing knows
 * that v<N+1> never was. That is how a stale reader notices that it is stale, and how a writer that was suspended for
 * more than 20 versions notices that the name it took had been used and deleted before: then its commit is void, it
 * takes it back and reports a conflict.
 */
export function openFileCatalog(storage: Storage, namespace = DEFAULT_NAMESPACE): Catalog {
  return new FileCatalog(storage, namespace)
}

class FileCatalog implements Catalog {
  readonly namespace: string
  readonly #storage: Storage
  /** The newest version seen of each table; a version's file never changes. */
  readonly #seen = new Map<string, { number: number; version: TableVersion }>()
  /** Tables of which a commit ended with an error: what it made, if anything, may not survive a power cut. */
  readonly #doubtful = new Set<string>()

  constructor(storage: Storage, namespace: string) {
    this.#storage = storage
    this.namespace = namespace
  }

  async listTables(): Promise<string[]> {
    const names = await this.#storage.folders(this.namespace)
    const found = await Promise.all(names.map((name) => this.#exists(name)))
    return names.filter((_, index) => found[index])
  }

  async loadTable(name: string): Promise<TableVersion | undefined> {
    checkTableName(name)
    const version = await this.#load(name)
    if (version !== undefined && this.#doubtful.has(name)) {
      // Whoever finds it goes on from there, so it must be durable first: a durable write beside it syncs its name, too.
      await this.#storage.write(this.#hintPath(name), version.version)
      this.#doubtful.delete(name)
    }
    return version
  }

  async #load(name: string): Promise<TableVersion | undefined> {
    const unmoved = await this.#seenStillCurrent(name)
    if (unmoved !== undefined) return unmoved
    // Each turn that fails has met a version that was deleted meanwhile, so the table has moved on.
    for (let turn = 0; turn < 20; turn++) {
      const hint = await this.#readHint(name)
      const start = Math.max(hint, this.#seen.get(name)?.number ?? 0)
      const found =
        (await this.#rollForward(name, start)) ?? (await this.#rollForward(name, await this.#newest(name)))
      if (found !== undefined) return found
      if ((await this.#newest(name)) === 0) {
        this.#seen.delete(name)
        return undefined
      }
    }
    throw new LandfallError('retry', 'catalog/busy', `table ${name} moved on 20 times while it was loaded`, {
      hint: 'Try again; if it stays, look for a process that commits without pause',
    })
  }

  async createTable(name: string, metadata: TableMetadata): Promise<TableVersion> {
    checkTableName(name)
    if ((await this.loadTable(name)) !== undefined) throw conflict(name, 'it exists')
    return this.#put(name, 1, { ...metadata, 'metadata-log': [] })
  }

  async commitTable(base: TableVersion, next: TableMetadata): Promise<TableVersion> {
    const number = Number(base.version)
    const log = [
      ...base.metadata['metadata-log'],
      { 'timestamp-ms': base.metadata['last-updated-ms'], 'metadata-file': base.metadataLocation },
    ].slice(-PREVIOUS_VERSIONS_MAX)
    const version = await this.#put(base.name, number + 1, { ...next, 'metadata-log': log })
    // From here on the commit stands; letting go of an old version is best effort and is made up for by the next one.
    await this.#forgetBelow(base.name, number + 1 - PREVIOUS_VERSIONS_MAX).catch(() => {})
    return version
  }

  async dropTable(name: string): Promise<void> {
    checkTableName(name)
    const newest = await this.#newest(name)
    await this.#storage.delete(this.#hintPath(name))
    // Ascending, so that no older version ever looks like the current one.
    const numbers = await this.#numbers(name)
    for (const number of numbers.filter((number) => number <= newest)) {
      await this.#storage.delete(this.#versionPath(name, number))
    }
    this.#seen.delete(name)
  }

  async forgetOldVersions(current: TableVersion): Promise<void> {
    const oldest = Number(current.version) - PREVIOUS_VERSIONS_MAX
    for (const number of await this.#numbers(current.name)) {
      if (number < oldest) await this.#storage.delete(this.#versionPath(current.name, number))
    }
  }

  async #put(name: string, number: number, metadata: TableMetadata): Promise<TableVersion> {
    const path = this.#versionPath(name, number)
    let created: boolean
    try {
      // The commit point.
      created = await this.#storage.createExclusive(path, formatMetadata(metadata))
      if (
        created &&
        number > 1 &&
        (await this.#storage.stat(this.#versionPath(name, number - 1))) === undefined
      ) {
        // The base was deleted, so this name had been used and deleted before it: nobody reads what we wrote.
        await this.#storage.delete(path)
        created = false
      }
    } catch (error) {
      this.#doubtful.add(name)
      throw unknownOutcome(name, `the commit of ${path}`, error)
    }
    if (!created) throw conflict(name, `version ${number} is taken`)
    const version = this.#remember(name, number, metadata)
    // The hint only saves the next reader a search.
    await this.#storage.write(this.#hintPath(name), String(number), { durable: false }).catch(() => {})
    return version
  }

  #remember(name: string, number: number, metadata: TableMetadata): TableVersion {
    const metadataLocation = `${this.#storage.url}/${this.#versionPath(name, number)}`
    const version = { name, metadata, metadataLocation, version: String(number) }
    this.#seen.set(name, { number, version })
    return version
  }

  /** The version seen last if it is current still, by the two looks of `#rollForward` and nothing else read. */
  async #seenStillCurrent(name: string): Promise<TableVersion | undefined> {
    const seen = this.#seen.get(name)
    if (seen === undefined) return undefined
    if ((await this.#storage.stat(this.#versionPath(name, seen.number + 1))) !== undefined) return undefined
    return (await this.#storage.stat(this.#versionPath(name, seen.number))) && seen.version
  }

  /** The current version, found from `start` upwards; undefined when `start` is not there (any more). */
  async #rollForward(name: string, start: number): Promise<TableVersion | undefined> {
    if (start === 0) return undefined
    const seen = this.#seen.get(name)
    let found = seen?.number === start ? seen.version : await this.#read(name, start)
    if (found === undefined) return undefined
    for (let number = start + 1; ; number++) {
      const next = await this.#read(name, number)
      if (next === undefined) break
      found = next
    }
    // It is the newest only if it is still there; see above.
    return (await this.#storage.stat(this.#versionPath(name, Number(found.version)))) && found
  }

  async #read(name: string, number: number): Promise<TableVersion | undefined> {
    const path = this.#versionPath(name, number)
    let bytes: Buffer
    try {
      bytes = await this.#storage.read(path)
    } catch (error) {
      if (isLandfallError(error, 'storage/not-found')) return undefined
      throw error
    }
    try {
      return this.#remember(name, number, parseMetadata(bytes))
    } catch (error) {
      throw damaged(name, path, error)
    }
  }

  async #readHint(name: string): Promise<number> {
    try {
      const number = Number((await this.#storage.read(this.#hintPath(name))).toString().trim())
      return Number.isSafeInteger(number) && number > 0 ? number : 0
    } catch (error) {
      if (isLandfallError(error, 'storage/not-found')) return 0
      throw error
    }
  }

  async #exists(name: string): Promise<boolean> {
    if ((await this.#storage.stat(this.#hintPath(name))) !== undefined) return true
    return (await this.#newest(name)) > 0
  }

  /** Numbers of the versions there are, ascending. */
  async #numbers(name: string): Promise<number[]> {
    const numbers: number[] = []
    for await (const object of this.#storage.list(`${this.namespace}/${name}/metadata/`)) {
      const match = /\/v(\d+)\.metadata\.json$/.exec(object.path)
      if (match) numbers.push(Number(match[1]))
    }
    return numbers.sort((a, b) => a - b)
  }

  async #newest(name: string): Promise<number> {
    return (await this.#numbers(name)).at(-1) ?? 0
  }

  /** Deletes the versions below `oldest`. They are contiguous, so going down until one is missing finds the first. */
  async #forgetBelow(name: string, oldest: number): Promise<void> {
    let first = oldest
    while (first > 1 && (await this.#storage.stat(this.#versionPath(name, first - 1))) !== undefined)
      first -= 1
    for (let number = first; number < oldest; number++)
      await this.#storage.delete(this.#versionPath(name, number))
  }

  #versionPath(name: string, number: number): string {
    return `${this.namespace}/${name}/metadata/v${number}.metadata.json`
  }

  #hintPath(name: string): string {
    return `${this.namespace}/${name}/metadata/version-hint.text`
  }
}
