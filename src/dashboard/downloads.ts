/**
 * Answers as files: made whole first, so that an error is an error of the question and never a short file, then fetched once by a name
 * that nobody can guess. What nobody fetches goes after five minutes.
 */
import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { isLandfallError, LandfallError } from '../base/errors.ts'
import { makeTemporary, type TemporaryDirectory } from '../base/temporary.ts'
import type { Session, SqlEngine } from '../sql/sql.ts'
import { csvOf } from './csv.ts'
import { busy, notFound, SECURITY_HEADERS } from './http.ts'
import type { Download } from './messages.ts'

const KEPT_MS = 300_000
const KEPT_MAX = 8
/** Of one file. What SQL bounds is rows, and a row may be long. */
const BYTES_MAX = 2e9

export type DownloadFormat = 'csv' | 'parquet'
const CONTENT_TYPES = { csv: 'text/csv; charset=utf-8', parquet: 'application/vnd.apache.parquet' }

interface Kept {
  path: string
  format: DownloadFormat
  bytes: number
  timer: NodeJS.Timeout
}

export class Downloads implements AsyncDisposable {
  readonly #engine: SqlEngine
  readonly #kept = new Map<string, Kept>()
  /** Files that are made just now, or sent. */
  #busy = 0
  #temporary: Promise<TemporaryDirectory> | undefined

  constructor(engine: SqlEngine) {
    this.#engine = engine
  }

  /** Runs the statement to its end. Throws what the engine throws, and `dashboard/downloads` when too many are there already. */
  async make(
    sql: string,
    format: DownloadFormat,
    session: Session,
    signal: AbortSignal,
  ): Promise<Omit<Download, 'path'> & { id: string }> {
    if (this.#kept.size + this.#busy >= KEPT_MAX) throw tooMany()
    this.#busy += 1
    try {
      const made = await (format === 'csv' ? this.#csv : this.#parquet).call(this, sql, session, signal)
      const { size: bytes } = await stat(made.path)
      if (bytes > BYTES_MAX) {
        await rm(made.path, { force: true })
        throw tooLarge()
      }
      const id = randomBytes(16).toString('hex')
      const timer = setTimeout(() => void this.#forget(id), KEPT_MS)
      timer.unref()
      this.#kept.set(id, { path: made.path, format, bytes, timer })
      return { id, rows: made.rows, bytes }
    } finally {
      this.#busy -= 1
    }
  }

  async #parquet(
    sql: string,
    session: Session,
    signal: AbortSignal,
  ): Promise<{ path: string; rows: number }> {
    return (await this.#engine.query(sql, { session, signal, parquet: true })).file!
  }

  async #csv(sql: string, session: Session, signal: AbortSignal): Promise<{ path: string; rows: number }> {
    const { columns, pages } = await this.#engine.query(sql, { session, signal })
    this.#temporary ??= makeTemporary('csv')
    const path = join((await this.#temporary).path, `${randomBytes(8).toString('hex')}.csv`)
    let rows = 0
    const counted = async function* () {
      for await (const page of pages) {
        rows += page.length
        yield page
      }
    }
    try {
      const text = csvOf(columns, counted())
      await pipeline(bounded(text), createWriteStream(path, { mode: 0o600 }), { signal })
    } catch (error) {
      await rm(path, { force: true })
      throw isLandfallError(error) || signal.aborted ? error : notWritten(error)
    }
    return { path, rows }
  }

  /** Sends a file and lets go of it. Throws `dashboard/not-found`. */
  async send(response: ServerResponse, id: string): Promise<void> {
    const kept = this.#kept.get(id)
    if (kept === undefined)
      throw notFound('this file was fetched before, or nobody came for it in five minutes')
    this.#kept.delete(id)
    clearTimeout(kept.timer)
    this.#busy += 1
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': CONTENT_TYPES[kept.format],
      'content-length': kept.bytes,
      'content-disposition': `attachment; filename="answer.${kept.format}"`,
      'cache-control': 'no-store',
    })
    try {
      await pipeline(createReadStream(kept.path), response)
    } catch {
      // The reader has left: nobody is there to be told.
    } finally {
      await rm(kept.path, { force: true })
      this.#busy -= 1
    }
  }

  async #forget(id: string): Promise<void> {
    const kept = this.#kept.get(id)
    this.#kept.delete(id)
    if (kept !== undefined) await rm(kept.path, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [id, { timer }] of this.#kept) {
      clearTimeout(timer)
      await this.#forget(id)
    }
    await (await this.#temporary)?.[Symbol.asyncDispose]()
  }
}

async function* bounded(text: AsyncIterable<string>): AsyncGenerator<string> {
  let bytes = 0
  for await (const part of text) {
    bytes += Buffer.byteLength(part)
    if (bytes > BYTES_MAX) throw tooLarge()
    yield part
  }
}

function tooMany(): LandfallError {
  const message = `${KEPT_MAX} files are made, wait to be fetched, or are fetched just now`
  return busy('dashboard/downloads', message, 'Fetch them, or wait five minutes')
}

function tooLarge(): LandfallError {
  const message = `the file would have more than ${BYTES_MAX / 1e9} GB`
  const hint = 'Ask for fewer rows or columns, or ask for Parquet'
  return new LandfallError('fix-request', 'dashboard/too-large', message, { hint })
}

function notWritten(cause: unknown): LandfallError {
  const { code, message } = cause as NodeJS.ErrnoException
  const hint = `Look at the disk that ${tmpdir()} is on`
  return new LandfallError('retry', 'dashboard/file', `the file could not be written: ${code ?? message}`, {
    hint,
    cause,
  })
}
