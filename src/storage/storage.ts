/**
 * Storage: where do bytes rest? Whole objects under relative paths (`default/purchases/metadata/v1.metadata.json`).
 *
 * Promises of every driver: what `write`, `createExclusive` or `adopt` resolved for survives a power cut, with its
 * name. A reader sees an object whole or not at all. Paths use `/`, have no `..` and no leading `/`; another path is
 * `storage/bad-path` (kind `bug`). An absent object is `storage/not-found` (kind `bad-data`). What a driver cannot do is
 * `storage/unsupported` (kind `fix-config`). Other errors are the system's: then a write may or may not have happened.
 *
 * Engines (DuckDB) read and write local files only. A file is written in `workspace` and taken by `adopt`; it is read through
 * `lease`. On a local disk both are the object itself: nothing is copied, linked or synced more than once (decision 14).
 */
export interface StoredObject {
  path: string
  bytes: number
  /** Milliseconds since 1970. */
  modifiedAt: number
}

export interface Storage {
  /** Root as a URL, no trailing slash, not percent-encoded (as Iceberg has it), e.g. `file:///var/landfall/lake`. */
  readonly url: string
  read(path: string): Promise<Buffer>
  /** What there is under this name, or undefined. */
  stat(path: string): Promise<StoredObject | undefined>
  /**
   * Creates or replaces. `durable: false`: for what can be made again; after a power cut the old bytes may be back, or
   * there may be none.
   */
  write(path: string, bytes: Uint8Array | string, options?: { durable?: boolean }): Promise<void>
  /** Creates, or returns false when the name is taken (by whatever bytes): the commit primitive. */
  createExclusive(path: string, bytes: Uint8Array | string): Promise<boolean>
  /**
   * Everything below a prefix that ends at a `/` boundary, in no order. After a crash there may be names that end in
   * `.tmp`: leftovers of writes that never happened, to be deleted by whoever cleans up.
   */
  list(prefix: string): AsyncIterable<StoredObject>
  /** Names of the folders directly below a prefix, sorted. */
  folders(prefix: string): Promise<string[]>
  /** Deleting what is absent is fine. Not synced: after a power cut the object may be there again. */
  delete(path: string): Promise<void>
  /**
   * A local directory, there, in which files are made that will be objects of `folder`. Whoever makes a file there gives it a new
   * name, and either adopts it or deletes it; what a crash leaves is found by maintenance, or goes with its process.
   */
  workspace(folder: string): Promise<string>
  /**
   * Takes a finished local file as this object, durable, without rewriting it where that can be done: a file of `workspace` whose
   * name is the object's becomes the object and is the caller's no more; another one stays (a hard link, else a copy, else an
   * upload). The name must be free: `storage/exists` (kind `bug`).
   */
  adopt(localPath: string, path: string): Promise<StoredObject>
  /**
   * Objects that never change as local files, in their order: the object itself, or a copy that is fetched when it is not here and
   * that stays until `release`. One that is gone is `storage/not-found`, unless its file is the object and its checksum is not
   * given: then opening it fails. One whose `crc32c` is given is read once by a process, before its first use: other bytes are
   * `storage/damaged`.
   */
  lease(objects: readonly LeasedObject[], signal?: AbortSignal): Promise<LeasedFiles>
  /** Directories in which all leased files are, for a sandbox. */
  readonly leaseDirectories: readonly string[]
}

/** An object of which the reader knows the size already. */
export interface LeasedObject {
  path: string
  bytes: number
  /** What its bytes must be: eight hex digits (`base/checksum.ts`); undefined: nobody knows. */
  crc32c?: string | undefined
  /** The object itself is asked for, though this machine may have a copy. */
  fresh?: boolean
}

export interface LeasedFiles {
  locations: string[]
  /** May be called twice. */
  release(): void
}
