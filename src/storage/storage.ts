/**
 * Storage: where do bytes rest? Whole objects under relative paths (`default/purchases/metadata/v1.metadata.json`).
 *
 * Promises of every driver: what `write`, `createExclusive` or `persist` resolved for survives a power cut, with its name.
 * A reader sees an object whole or not at all. Paths use `/`, have no `..` and no leading `/`.
 * An absent object is `storage/not-found` (kind `bad-data`).
 */
export interface StoredObject {
  path: string
  bytes: number
  /** Milliseconds since 1970. */
  modifiedAt: number
}

export interface Storage {
  /** Root as a URL, no trailing slash, e.g. `file:///var/landfall/lake`. */
  readonly url: string
  read(path: string): Promise<Buffer>
  /** Creates or replaces. */
  write(path: string, bytes: Uint8Array | string): Promise<void>
  /** Creates, or returns false when the name is taken (by whatever bytes): the commit primitive. */
  createExclusive(path: string, bytes: Uint8Array | string): Promise<boolean>
  /** Everything below a prefix that ends at a `/` boundary, in no order. */
  list(prefix: string): AsyncIterable<StoredObject>
  /** Deleting what is absent is fine. */
  delete(path: string): Promise<void>
  /** What an engine opens to read or write this object itself: a local path or a URL. Makes the parent where one is needed. */
  location(path: string): Promise<string>
  /** Makes durable what an engine wrote at `location(path)`; returns its size. */
  persist(path: string): Promise<StoredObject>
}
