import type { StoredObject } from '../storage.ts'

/** What a driver of a store elsewhere does; `createRemoteStorage` makes a `Storage` of it. Promises as in `Storage`. */
export interface ObjectStore {
  /** Root as Iceberg metadata has it, no trailing slash. */
  readonly url: string
  read(path: string): Promise<Buffer>
  stat(path: string): Promise<StoredObject | undefined>
  write(path: string, bytes: Buffer): Promise<void>
  createExclusive(path: string, bytes: Buffer): Promise<boolean>
  list(prefix: string): AsyncIterable<StoredObject>
  folders(prefix: string): Promise<string[]>
  delete(path: string): Promise<void>
  /** Makes an object of a local file, whatever its size. A taken name is `storage/exists`. */
  upload(localPath: string, path: string): Promise<StoredObject>
  /** Writes a whole object to a local path, which must be free. An absent one is `storage/not-found`. */
  download(path: string, localPath: string): Promise<void>
}
