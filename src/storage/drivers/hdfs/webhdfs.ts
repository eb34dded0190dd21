/**
 * WebHDFS: what a NameNode answers itself, and what it sends on to a DataNode (307 with a `Location`, followed by hand: the body goes to
 * the DataNode only). Of several NameNodes the one that has answered last is asked first.
 */
import { LandfallError } from '../../../base/errors.ts'
import { connectionFailure, type Patience, Transient, timeLimit, withRetries } from '../../remote/retry.ts'
import { remoteError } from './errors.ts'
import { type Exchanged, exchange } from './exchange.ts'
import type { HdfsLocation } from './location.ts'

export interface FileStatus {
  /** The inode: of one file, however it is renamed. */
  fileId: number
  length: number
  modificationTime: number
  pathSuffix: string
  type: 'FILE' | 'DIRECTORY'
}

type Parameters = Record<string, string>

export class WebHdfs {
  readonly patience: Patience
  readonly #location: HdfsLocation
  #active = 0

  constructor(location: HdfsLocation, patience: Patience) {
    this.#location = location
    this.patience = patience
  }

  /** What the NameNode answers, tried until it does. Only for what may be done twice. */
  ask(method: string, op: string, path: string, parameters: Parameters = {}): Promise<unknown> {
    return withRetries(`${op} of ${path}`, this.patience, () => this.askOnce(method, op, path, parameters))
  }

  async askOnce(method: string, op: string, path: string, parameters: Parameters = {}): Promise<unknown> {
    const { body } = await this.#namenode(method, op, path, parameters)
    return body.length === 0 ? undefined : parseAnswer(`${op} of ${path}`, body)
  }

  /** One attempt to make a file, which must not be there; whole and on disk when resolved, unless a DataNode breaks its word. */
  async create(path: string, body: Blob): Promise<void> {
    const parameters = { overwrite: 'false', createflag: 'CREATE,SYNC_BLOCK' }
    const location = locationOf(await this.#namenode('PUT', 'CREATE', path, parameters))
    await this.#exchange('PUT', `CREATE of ${path}`, location, body)
  }

  /** A DataNode that fails is left out of the next attempt, since the NameNode may take minutes to notice. */
  read(path: string, offset: number, length: number): Promise<Buffer> {
    const range = { offset: String(offset), length: String(length) }
    const failed = new Set<string>()
    return withRetries(`OPEN of ${path}`, this.patience, async () => {
      const without = failed.size === 0 ? {} : { excludedatanodes: [...failed].join(',') }
      // Where no other node has the block, the failed one may be back.
      failed.clear()
      const location = locationOf(await this.#namenode('GET', 'OPEN', path, { ...range, ...without }))
      failed.add(new URL(location).hostname)
      return (await this.#exchange('GET', `OPEN of ${path}`, location, undefined, length)).body
    })
  }

  /** One request to a NameNode; a standby one, or one that does not answer, is passed over for the next. */
  async #namenode(method: string, op: string, path: string, parameters: Parameters): Promise<Exchanged> {
    const { namenodes } = this.#location
    for (let tried = 1; ; tried++) {
      try {
        return await this.#exchange(method, `${op} of ${path}`, this.#urlOf(op, path, parameters))
      } catch (error) {
        const another = error instanceof Transient && !error.maybeDone
        if (another) this.#active = (this.#active + 1) % namenodes.length
        if (!another || tried >= namenodes.length) throw error
      }
    }
  }

  async #exchange(method: string, what: string, url: string, body?: Blob, length = 0): Promise<Exchanged> {
    const { host } = new URL(url)
    let answer: Exchanged
    try {
      answer = await exchange(method, url, timeLimit(this.patience, (body?.size ?? 0) + length), body)
    } catch (error) {
      throw connectionFailure(error, host)
    }
    if (answer.status < 400) return answer
    throw remoteError(what, host, answer)
  }

  #urlOf(op: string, path: string, parameters: Parameters): string {
    const encoded = path.split('/').map(encodeURIComponent).join('/')
    const query = new URLSearchParams({ op, 'user.name': this.#location.user, ...parameters })
    return `${this.#location.namenodes[this.#active]}/webhdfs/v1${encoded}?${query}`
  }
}

function parseAnswer(what: string, body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown
  } catch (cause) {
    throw new LandfallError('fix-config', 'storage/refused', `${what}: the answer is not WebHDFS's`, {
      hint: 'Is ?http= of storage.url the HTTP address of a NameNode?',
      cause,
    })
  }
}

/** A NameNode that is asked for a DataNode answers 307, which is followed by hand: the body goes to the DataNode only. */
function locationOf({ status, headers: { location } }: Exchanged): string {
  if (status === 307 && location !== undefined) return location
  throw new LandfallError(
    'bad-data',
    'storage/refused',
    `WebHDFS answered ${status} without the address of a DataNode`,
    {
      hint: 'Is ?http= of storage.url the HTTP address of a NameNode?',
    },
  )
}
