/**
 * Storage: where do bytes rest? Whole objects under relative paths (`default/purchases/metadata/v1.metadata.json`).
 *
 * Promises of every driver: what `write`, `createExclusive`, `persist` or `adopt` resolved for survives a power cut, with its
 * name. A reader sees an object whole or not at all. Paths use `/`, have no `..` and no leading `/`; another path is
 * `storage/bad-path` (kind `bug`). An absent object is `storage/not-found` (kind `bad-data`). What a driver cannot do is
 * `storage/unsupported` (kind `fix-config`). Other errors are the system's: then a write may or may not have happened.
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
  /** What an engine opens to read or write this object itself: a local path or a URL. Makes the parent where one is needed. */
  location(path: string): Promise<string>
  /** Makes durable what an engine wrote at `location(path)`; returns its size. */
  persist(path: string): Promise<StoredObject>
  /**
   * Takes a finished local file as this object, durable, without rewriting it where that can be done (a hard link on the
   * same disk, else a copy). The local file stays. The name must be free.
   */
  adopt(localPath: string, path: string): Promise<StoredObject>
}
