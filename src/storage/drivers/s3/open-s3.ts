import { randomUUID } from 'node:crypto'
import { LandfallError } from '../../../base/errors.ts'
import type { Patience } from '../../remote/retry.ts'
import { S3Client } from './client.ts'
import { findCredentials } from './credentials.ts'
import { locateS3, parseS3Url } from './location.ts'
import { readProfile } from './profile.ts'
import { S3Store } from './s3-store.ts'

export interface S3Options {
  environment: NodeJS.ProcessEnv
  patience: Patience
  /** Who only reads need no right to write. */
  readOnly: boolean
  nowMs?: () => number
}

/** Opens a bucket: the credentials are tried, and that the store keeps the condition that commits rest on. */
export async function openS3Store(url: string, options: S3Options): Promise<S3Store> {
  const { environment, patience, readOnly, nowMs = Date.now } = options
  const parsed = parseS3Url(url)
  const profile = await readProfile(environment, parsed.parameters.get('profile') ?? undefined)
  const location = locateS3(parsed, environment, profile)
  const stsEndpoint = parsed.parameters.get('sts-endpoint') ?? undefined
  const parts = { environment, profile, region: location.region, stsEndpoint, patience, nowMs }
  const client = new S3Client({ location, credentials: findCredentials(parts), patience, nowMs })
  const store = new S3Store(client)
  await client.request({
    method: 'GET',
    query: { 'list-type': '2', 'max-keys': '1', prefix: location.prefix },
  })
  if (!readOnly) await checkConditions(client, location.prefix)
  return store
}

/** A store that ignores `If-None-Match` would let two commits win, and one of them would be lost. */
async function checkConditions(client: S3Client, prefix: string): Promise<void> {
  const key = `${prefix === '' ? '' : `${prefix}/`}.landfall-probe-${randomUUID()}`
  const put = { method: 'PUT', key, body: Buffer.from('probe'), headers: { 'if-none-match': '*' } } as const
  try {
    await client.request(put, 412)
    const { status } = await client.request(put, 412)
    if (status === 412) return
  } finally {
    await client.request({ method: 'DELETE', key }).catch(() => {})
  }
  throw new LandfallError(
    'fix-config',
    'storage/no-conditional-put',
    `${client.location.endpoint} ignores If-None-Match: two commits of a table could both succeed, and one would be lost`,
    {
      hint: 'Use a store that has conditional writes (Amazon S3, MinIO, versitygw, Ceph 19 or newer, Cloudflare R2)',
    },
  )
}
