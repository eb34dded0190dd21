/**
 * Objects in a bucket. What is promised when an answer is lost:
 *
 * - A plain PUT or DELETE is sent again: twice is once. (A first copy that was stuck on the way may come after a later one; only
 *   hints and files that nobody else names are written so.)
 * - A commit is a PUT with `If-None-Match: *` and a mark of its own in `x-amz-meta-landfall-mark`. After a lost answer the next attempt
 *   may meet 412 because of *our* first one: then HEAD shows whose mark is there. Ours: done. Another's: taken. If at the end nothing
 *   can be seen, it is `storage/unknown-outcome`.
 * - 409 is two conditional writes at once: sent again.
 *
 * A 200 of a PUT is durable with its name (S3's own promise, "strong read-after-write consistency").
 */
import { randomUUID } from 'node:crypto'
import { LandfallError } from '../../../base/errors.ts'
import { notFound } from '../../paths.ts'
import type { ObjectStore } from '../../remote/object-store.ts'
import { Transient, withRetries } from '../../remote/retry.ts'
import type { StoredObject } from '../../storage.ts'
import { MARK, type S3Answer, type S3Client } from './client.ts'
import { downloadObject } from './download.ts'
import { listFolders, listObjects } from './list.ts'
import { uploadFile } from './upload.ts'

interface Found {
  object: StoredObject
  mark: string | null
}

export class S3Store implements ObjectStore {
  readonly url: string
  readonly #client: S3Client
  /** With a slash at its end, or empty. */
  readonly #root: string

  constructor(client: S3Client) {
    const { bucket, prefix } = client.location
    this.url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`
    this.#client = client
    this.#root = prefix === '' ? '' : `${prefix}/`
  }

  async read(path: string): Promise<Buffer> {
    const answer = await this.#client.request({ method: 'GET', key: this.#key(path) }, 404)
    if (answer.status === 404) throw notFound(this.url, path)
    return answer.body
  }

  async stat(path: string): Promise<StoredObject | undefined> {
    return (await this.#head(path))?.object
  }

  async write(path: string, body: Buffer): Promise<void> {
    await this.#client.request({ method: 'PUT', key: this.#key(path), body })
  }

  createExclusive(path: string, body: Buffer): Promise<boolean> {
    const mark = randomUUID()
    const headers = { 'if-none-match': '*', [MARK]: mark }
    return this.create(path, mark, (key) => this.#client.send({ method: 'PUT', key, body, headers }))
  }

  /** Sends what creates an object under this mark until it is there, ours or another's. */
  create(path: string, mark: string, send: (key: string) => Promise<S3Answer>): Promise<boolean> {
    const what = `creating ${this.url}/${path}`
    return withRetries(what, this.#client.patience, async (maybeDone) => {
      const { status } = await send(this.#key(path))
      if (status === 409) throw new Transient('another conditional write was under way', false)
      if (status < 300) return true
      // 412, or the parts are gone because an earlier attempt has joined them.
      if (!maybeDone && status === 412) return false
      const found = await this.#lookForOurs(path, what)
      if (found === undefined && status === 412) throw vanished(what)
      if (found === undefined) throw new Transient('the upload is gone', true)
      return found.mark === mark
    })
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    for await (const object of listObjects(this.#client, this.#below(prefix)))
      yield { ...object, path: object.path.slice(this.#root.length) }
  }

  folders(prefix: string): Promise<string[]> {
    return listFolders(this.#client, this.#below(prefix))
  }

  async delete(path: string): Promise<void> {
    await this.#client.request({ method: 'DELETE', key: this.#key(path) }, 404)
  }

  upload(localPath: string, path: string): Promise<StoredObject> {
    return uploadFile({ client: this.#client, store: this, key: this.#key(path), localPath, path })
  }

  download(path: string, localPath: string): Promise<void> {
    return downloadObject(this.#client, this.#key(path), localPath, () => notFound(this.url, path))
  }

  async #lookForOurs(path: string, what: string): Promise<Found | undefined> {
    try {
      return await this.#head(path)
    } catch (cause) {
      throw new LandfallError('retry', 'storage/unknown-outcome', `${what} may or may not have happened`, {
        hint: 'Look for what was written before anything is tried again; delete nothing',
        cause,
      })
    }
  }

  async #head(path: string): Promise<Found | undefined> {
    const { status, headers } = await this.#client.request({ method: 'HEAD', key: this.#key(path) }, 404)
    if (status === 404) return undefined
    const bytes = Number(headers.get('content-length'))
    const modifiedAt = Date.parse(headers.get('last-modified') ?? '')
    return { object: { path, bytes, modifiedAt }, mark: headers.get(MARK) }
  }

  #key(path: string): string {
    return `${this.#root}${path}`
  }

  #below(prefix: string): string {
    return prefix === '' ? this.#root : `${this.#root}${prefix}/`
  }
}

function vanished(what: string): LandfallError {
  return new LandfallError(
    'retry',
    'storage/unknown-outcome',
    `${what}: the name was taken and then it was free`,
    {
      hint: 'Another process deletes here; load and look before anything is tried again',
    },
  )
}
