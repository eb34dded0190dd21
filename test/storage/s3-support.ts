/** A bucket of the run's object store, as storage. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeBucket, type VersitygwState, versitygw } from '../../src/stack/engines/versitygw.ts'
import { type OpenStorageOptions, openStorage } from '../../src/storage/open.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { shareEngine } from '../engines/shared-engine.ts'

export interface TestBucket {
  server: VersitygwState
  bucket: string
  environment: NodeJS.ProcessEnv
  /** `s3://<bucket>/<prefix>?…` through the store itself, or through a proxy before it. */
  url(prefix: string, address?: string): string
  open(prefix: string, options?: OpenStorageOptions, address?: string): Promise<Storage>
  /** Directory for caches, removed by `close`. */
  directory: string
  close(): void
}

export async function openTestBucket(): Promise<TestBucket | { missing: string }> {
  const server = await shareEngine(versitygw)
  if ('missing' in server) return server
  const bucket = `test-${randomUUID().slice(0, 8)}`
  await makeBucket(server, bucket)
  const directory = mkdtempSync(join(tmpdir(), 'landfall-s3-'))
  const environment = {
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_REGION: server.region,
    HOME: directory,
  }
  const url = (prefix: string, address?: string) =>
    `s3://${bucket}/${prefix}?endpoint=${address === undefined ? server.endpoint : `http://${address}`}`
  return {
    server,
    bucket,
    environment,
    url,
    open: (prefix, options = {}, address) =>
      openStorage(url(prefix, address), {
        environment,
        cacheDirectory: join(directory, 'cache'),
        patience: { retryMaxMs: 10_000 },
        ...options,
      }),
    directory,
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}
