import { open } from 'node:fs/promises'
import { LandfallError } from '../../../base/errors.ts'
import type { S3Client } from './client.ts'

/** Bytes of one range request: what is in memory at once, and what a cut connection costs. */
const RANGE_BYTES = 16 * 1024 * 1024

/** Writes a whole object to a local file, range by range, all of the same version (`If-Match`). */
export async function downloadObject(
  client: S3Client,
  key: string,
  localPath: string,
  absent: () => Error,
): Promise<void> {
  await using file = await open(localPath, 'wx')
  let etag: string | undefined
  for (let at = 0, size = Number.POSITIVE_INFINITY; at < size; ) {
    const range = `bytes=${at}-${at + RANGE_BYTES - 1}`
    const headers = { range, ...(etag === undefined ? {} : { 'if-match': etag }) }
    const answer = await client.request(
      { method: 'GET', key, headers, bytesExpected: RANGE_BYTES },
      404,
      412,
      416,
    )
    if (answer.status === 404) throw absent()
    // An empty object has no range.
    if (answer.status === 416) return
    if (answer.status === 412) throw replaced(key)
    await file.write(answer.body, 0, answer.body.length, at)
    at += answer.body.length
    size = answer.status === 206 ? sizeOf(answer.headers) : at
    etag = answer.headers.get('etag') ?? undefined
  }
}

/** `Content-Range: bytes 0-99/1234` */
function sizeOf(headers: Headers): number {
  return Number(/\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1])
}

function replaced(key: string): LandfallError {
  return new LandfallError('retry', 'storage/replaced', `${key} was replaced while it was read`, {
    hint: 'Data files never change: look for who else writes below storage.url',
  })
}
