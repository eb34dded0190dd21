/**
 * A local file becomes an object: in one PUT, or in parts when it is large (CreateMultipartUpload, UploadPart, Complete…). Parts may
 * be sent twice; joining them is the moment at which the object appears, whole and under our mark, so its lost answer is looked up as
 * that of a commit. An upload that fails is aborted, so that its parts are not kept and paid for; what a crash leaves is for a lifecycle
 * rule of the bucket (AbortIncompleteMultipartUpload).
 */
import { randomUUID } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { LandfallError } from '../../../base/errors.ts'
import { taken } from '../../paths.ts'
import { Transient } from '../../remote/retry.ts'
import type { StoredObject } from '../../storage.ts'
import { MARK, type S3Answer, type S3Client } from './client.ts'
import type { S3Store } from './s3-store.ts'
import { escapeXml, firstText } from './xml.ts'

/** Files up to this size go in one PUT. */
const SINGLE_MAX = 32 * 1024 * 1024
const PART_BYTES = 16 * 1024 * 1024
/** S3 takes 10,000 parts of an object. */
const PARTS_MAX = 10_000
const PARTS_AT_ONCE = 2

export interface Upload {
  client: S3Client
  store: S3Store
  key: string
  localPath: string
  path: string
}

export async function uploadFile(upload: Upload): Promise<StoredObject> {
  const { client, store, localPath, path } = upload
  await using file = await open(localPath, 'r')
  const { size } = await file.stat()
  const mark = randomUUID()
  let created: boolean
  if (size > SINGLE_MAX) created = await uploadParts(upload, file, size, mark)
  else {
    const body = await readPart(file, 0, size)
    const headers = { 'if-none-match': '*', [MARK]: mark }
    created = await store.create(path, mark, (key) => client.send({ method: 'PUT', key, body, headers }))
  }
  if (!created) throw taken(store.url, path)
  return { path, bytes: size, modifiedAt: Date.now() }
}

async function uploadParts(
  { client, store, key, path }: Upload,
  file: FileHandle,
  size: number,
  mark: string,
): Promise<boolean> {
  const begun = await client.request({
    method: 'POST',
    key,
    query: { uploads: '' },
    headers: { [MARK]: mark },
  })
  const uploadId = firstText(begun.body.toString(), 'UploadId')
  if (uploadId === undefined) throw unexpected(client, 'gave no UploadId')
  try {
    const tags = await sendParts(client, key, uploadId, file, size)
    const parts = tags.map(
      (tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escapeXml(tag)}</ETag></Part>`,
    )
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
    const headers = { 'if-none-match': '*', 'content-type': 'application/xml' }
    const created = await store.create(path, mark, async () =>
      checkJoined(await client.send({ method: 'POST', key, query: { uploadId }, headers, body })),
    )
    if (!created) await abort(client, key, uploadId)
    return created
  } catch (error) {
    await abort(client, key, uploadId)
    throw error
  }
}

async function sendParts(
  client: S3Client,
  key: string,
  uploadId: string,
  file: FileHandle,
  size: number,
): Promise<string[]> {
  const partBytes = Math.max(PART_BYTES, Math.ceil(size / PARTS_MAX))
  const count = Math.ceil(size / partBytes)
  const tags = Array.from<string>({ length: count })
  let next = 0
  const sendNext = async (): Promise<void> => {
    while (next < count) {
      const index = next++
      const body = await readPart(file, index * partBytes, Math.min(partBytes, size - index * partBytes))
      const query = { partNumber: String(index + 1), uploadId }
      const { status, headers } = await client.request({ method: 'PUT', key, query, body })
      const tag = headers.get('etag')
      if (status >= 300 || tag === null) throw unexpected(client, `answered ${status} to part ${index + 1}`)
      tags[index] = tag
    }
  }
  const results = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, sendNext))
  const failed = results.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return tags
}

/** S3 may begin to answer 200 before it knows: then the error stands in the body. */
function checkJoined(answer: S3Answer): S3Answer {
  const text = answer.body.toString()
  if (answer.status === 200 && text.includes('<Error>'))
    throw new Transient(`joining the parts: ${firstText(text, 'Code') ?? 'error'}`, true)
  return answer
}

/** Best effort: the object is not there or is whole; what stays are parts that nobody reads. */
async function abort(client: S3Client, key: string, uploadId: string): Promise<void> {
  await client.send({ method: 'DELETE', key, query: { uploadId } }).catch(() => {})
}

async function readPart(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, from + at)
    if (bytesRead === 0)
      throw new Error(`a file that is uploaded became shorter: ${at} of ${length} bytes at ${from}`)
    at += bytesRead
  }
  return bytes
}

function unexpected({ location }: S3Client, what: string): LandfallError {
  return new LandfallError('bad-data', 'storage/refused', `${location.endpoint} ${what}`, {
    hint: 'Is it an object store that speaks S3 with multi-part uploads?',
  })
}
