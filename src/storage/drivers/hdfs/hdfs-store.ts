/**
 * Files of an HDFS by WebHDFS. A name appears by one RENAME, which is one transaction of the NameNode's edit log:
 *
 * - **Written**: CREATE of a temporary name with `SYNC_BLOCK`: the DataNode answers after the file is closed, with all its blocks
 *   synced on disk (hsync) by the nodes of the pipeline. Its length is checked. A broken attempt leaves a `.tmp`, which maintenance
 *   removes.
 * - **Named**: RENAME with `renameoptions=NONE`, which never overwrites: 200 is ours, `FileAlreadyExistsException` is taken. (The form
 *   without options answers `{"boolean":false}` for both a taken name and a missing parent, and moves *into* a directory; it is not used.)
 *   A replacement is RENAME with `OVERWRITE`.
 * - **A lost answer**: a file keeps its `fileId` (inode) through a rename, and only we know that of our temporary. So the name is looked
 *   at: our fileId there means that it was done. At the end of patience: `storage/unknown-outcome`.
 */
import { randomUUID } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { open } from 'node:fs/promises'
import { LandfallError } from '../../../base/errors.ts'
import { notFound, taken } from '../../paths.ts'
import type { ObjectStore } from '../../remote/object-store.ts'
import { Transient, withRetries } from '../../remote/retry.ts'
import type { StoredObject } from '../../storage.ts'
import { NameAnswer } from './errors.ts'
import type { HdfsLocation } from './location.ts'
import type { FileStatus, WebHdfs } from './webhdfs.ts'

/** Bytes of one OPEN: what is in memory at once, and what a cut connection costs. */
const RANGE_BYTES = 16 * 1024 * 1024

interface Written {
  temporary: string
  fileId: number
}

export class HdfsStore implements ObjectStore {
  readonly url: string
  readonly #hdfs: WebHdfs
  readonly #root: string

  constructor(location: HdfsLocation, hdfs: WebHdfs) {
    this.url = location.url
    this.#root = location.root
    this.#hdfs = hdfs
  }

  async read(path: string): Promise<Buffer> {
    const status = await this.#status(path)
    if (status?.type !== 'FILE') throw notFound(this.url, path)
    const parts: Buffer[] = []
    for await (const { bytes } of this.#ranges(path, status.length)) parts.push(bytes)
    return Buffer.concat(parts)
  }

  async stat(path: string): Promise<StoredObject | undefined> {
    const status = await this.#status(path)
    return status?.type === 'FILE' ? describe(path, status) : undefined
  }

  async write(path: string, bytes: Buffer): Promise<void> {
    const written = await this.#writeTemporary(path, new Blob([bytes as Buffer<ArrayBuffer>]))
    await this.#rename(written, path, 'OVERWRITE')
  }

  async createExclusive(path: string, bytes: Buffer): Promise<boolean> {
    // A name that is taken stays so: most losers find out without writing.
    if ((await this.#status(path)) !== undefined) return false
    return this.#name(await this.#writeTemporary(path, new Blob([bytes as Buffer<ArrayBuffer>])), path)
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    for await (const status of this.#directory(prefix)) {
      const path = prefix === '' ? status.pathSuffix : `${prefix}/${status.pathSuffix}`
      if (status.type === 'DIRECTORY') yield* this.list(path)
      else yield describe(path, status)
    }
  }

  async folders(prefix: string): Promise<string[]> {
    const names: string[] = []
    for await (const { type, pathSuffix } of this.#directory(prefix))
      if (type === 'DIRECTORY') names.push(pathSuffix)
    return names
  }

  async delete(path: string): Promise<void> {
    // `{"boolean":false}`: it was not there.
    await this.#hdfs.ask('DELETE', 'DELETE', this.#at(path), { recursive: 'false' }).catch(ignoreAbsent)
  }

  async upload(localPath: string, path: string): Promise<StoredObject> {
    const blob = await openAsBlob(localPath)
    if (!(await this.#name(await this.#writeTemporary(path, blob), path))) throw taken(this.url, path)
    return { path, bytes: blob.size, modifiedAt: Date.now() }
  }

  async download(path: string, localPath: string): Promise<void> {
    const status = await this.#status(path)
    if (status?.type !== 'FILE') throw notFound(this.url, path)
    await using file = await open(localPath, 'wx')
    for await (const { bytes, at } of this.#ranges(path, status.length))
      await file.write(bytes, 0, bytes.length, at)
  }

  async *#ranges(path: string, length: number): AsyncIterable<{ bytes: Buffer; at: number }> {
    for (let at = 0; at < length; ) {
      const bytes = await this.#orAbsent(
        path,
        this.#hdfs.read(this.#at(path), at, Math.min(RANGE_BYTES, length - at)),
      )
      if (bytes.length === 0)
        throw new LandfallError(
          'bad-data',
          'storage/damaged',
          `${this.url}/${path} ends at byte ${at} of ${length}`,
        )
      yield { bytes, at }
      at += bytes.length
    }
  }

  async #orAbsent<T>(path: string, made: Promise<T>): Promise<T> {
    try {
      return await made
    } catch (error) {
      throw error instanceof NameAnswer ? notFound(this.url, path, error) : error
    }
  }

  /** A whole file under a name of its own; another name for each attempt, since a broken one may still be open. */
  #writeTemporary(path: string, body: Blob): Promise<Written> {
    return withRetries(`writing ${this.url}/${path}`, this.#hdfs.patience, async () => {
      const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`
      try {
        await this.#hdfs.create(this.#at(temporary), body)
        const status = await this.#status(temporary)
        if (status?.length !== body.size)
          throw new Transient(`${status?.length} of ${body.size} bytes have arrived`, false)
        return { temporary, fileId: status.fileId }
      } catch (error) {
        await this.#discard(temporary)
        // Whatever became of it, nobody knows the name.
        if (error instanceof NameAnswer) throw inTheWay(this.url, path, error)
        throw error instanceof Transient ? new Transient(error.message, false, error) : error
      }
    })
  }

  /** Gives a file its name; false when that is taken. */
  async #name(written: Written, path: string): Promise<boolean> {
    const done = await this.#rename(written, path, 'NONE')
    if (!done) await this.#discard(written.temporary)
    return done
  }

  #rename(
    { temporary, fileId }: Written,
    path: string,
    renameoptions: 'NONE' | 'OVERWRITE',
  ): Promise<boolean> {
    const what = `naming ${this.url}/${path}`
    return withRetries(what, this.#hdfs.patience, async (maybeDone) => {
      try {
        const destination = this.#at(path)
        await this.#hdfs.askOnce('PUT', 'RENAME', this.#at(temporary), { destination, renameoptions })
        return true
      } catch (error) {
        if (!(error instanceof NameAnswer)) throw error
        if (!maybeDone && error.answer === 'exists') return false
        const found = await this.#lookForOurs(path, what)
        if (found?.fileId === fileId) return true
        if (found !== undefined) return renameoptions === 'OVERWRITE' && maybeDone
        throw new LandfallError(
          'retry',
          'storage/unknown-outcome',
          `${what}: neither name is there (${error.message})`,
          {
            hint: 'Another process deletes here; load and look before anything is tried again',
          },
        )
      }
    })
  }

  async #lookForOurs(path: string, what: string): Promise<FileStatus | undefined> {
    try {
      return await this.#status(path)
    } catch (cause) {
      throw new LandfallError('retry', 'storage/unknown-outcome', `${what} may or may not have happened`, {
        hint: 'Look for what was written before anything is tried again; delete nothing',
        cause,
      })
    }
  }

  /** Best effort: maintenance finds the rest. */
  async #discard(temporary: string): Promise<void> {
    await this.#hdfs.askOnce('DELETE', 'DELETE', this.#at(temporary), { recursive: 'false' }).catch(() => {})
  }

  async #status(path: string): Promise<FileStatus | undefined> {
    try {
      const answer = await this.#hdfs.ask('GET', 'GETFILESTATUS', this.#at(path))
      return (answer as { FileStatus: FileStatus }).FileStatus
    } catch (error) {
      if (error instanceof NameAnswer) return undefined
      throw error
    }
  }

  /** What is directly in a folder, as many an answer as the NameNode likes (dfs.ls.limit, 1,000). */
  async *#directory(folder: string): AsyncIterable<FileStatus> {
    const path = folder === '' ? this.#root || '/' : this.#at(folder)
    for (let startAfter: string | undefined; ; ) {
      const page = await this.#page(path, startAfter)
      const statuses = page.partialListing.FileStatuses.FileStatus
      // A file lists itself, without a name.
      for (const status of statuses) if (status.pathSuffix !== '') yield status
      if (page.remainingEntries === 0 || statuses.length === 0) return
      startAfter = statuses.at(-1)!.pathSuffix
    }
  }

  async #page(path: string, startAfter: string | undefined): Promise<Listing> {
    try {
      const after = startAfter === undefined ? {} : { startAfter }
      const answer = await this.#hdfs.ask('GET', 'LISTSTATUS_BATCH', path, after)
      return (answer as { DirectoryListing: Listing }).DirectoryListing
    } catch (error) {
      if (error instanceof NameAnswer)
        return { partialListing: { FileStatuses: { FileStatus: [] } }, remainingEntries: 0 }
      throw error
    }
  }

  #at(path: string): string {
    return `${this.#root}/${path}`
  }
}

interface Listing {
  partialListing: { FileStatuses: { FileStatus: FileStatus[] } }
  remainingEntries: number
}

function describe(path: string, { length, modificationTime }: FileStatus): StoredObject {
  return { path, bytes: length, modifiedAt: modificationTime }
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof NameAnswer)) throw error
}

function inTheWay(url: string, path: string, cause: NameAnswer): LandfallError {
  return new LandfallError('bad-data', 'storage/refused', `cannot make ${url}/${path}: ${cause.message}`, {
    hint: 'Look whether a file stands where a folder should be',
    cause,
  })
}
