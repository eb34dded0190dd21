import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openStorage } from '../../src/storage/open.ts'
import { storageSuite } from '../conformance/storage-suite.ts'
import { freePort } from '../engines/shared-engine.ts'
import { type Fault, startFaultProxy } from '../support/fault-proxy.ts'
import { openTestBucket } from './s3-support.ts'

const bucket = await openTestBucket()
afterAll(() => {
  if (!('missing' in bucket)) bucket.close()
})

if ('missing' in bucket) {
  test('an object store', ({ skip }) => skip(bucket.missing))
} else {
  let lakes = 0
  storageSuite({
    name: 'S3 (versitygw)',
    engines: true,
    open: async () => ({ storage: await bucket.open(`lake-${++lakes}/below`), close: async () => {} }),
  })

  describe('S3', () => {
    test('its URL is what Spark and Trino open', async () => {
      expect((await bucket.open('a/b')).url).toBe(`s3://${bucket.bucket}/a/b`)
      expect((await bucket.open('')).url).toBe(`s3://${bucket.bucket}`)
    })

    test('lists more objects than one answer holds', async () => {
      const storage = await bucket.open('many')
      const names = Array.from({ length: 1_050 }, (_, i) => `t/${String(i).padStart(4, '0')}`)
      for (let i = 0; i < names.length; i += 50)
        await Promise.all(names.slice(i, i + 50).map((name) => storage.write(name, '')))
      const found: string[] = []
      for await (const { path } of storage.list('t/')) found.push(path)
      expect(found.sort()).toEqual(names)
    })

    test('names that need encoding come back as they were', async () => {
      const storage = await bucket.open('names')
      const names = ['a b+c&d=é', 'p=2026-01-01/x y', "it's (1)*!"]
      for (const name of names) await storage.write(name, name)
      for (const name of names) expect((await storage.read(name)).toString()).toBe(name)
      const found: string[] = []
      for await (const { path } of storage.list('')) found.push(path)
      expect(found.sort()).toEqual(names.toSorted())
      expect(await storage.folders('')).toEqual(['p=2026-01-01'])
    })

    test('a large file goes and comes in parts, whole', { timeout: 120_000 }, async () => {
      const storage = await bucket.open('large')
      const file = join(bucket.directory, 'large')
      const bytes = Buffer.alloc(40 * 1024 * 1024)
      for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(i, i)
      writeFileSync(file, bytes)
      expect(await storage.adopt(file, 't/large')).toMatchObject({ bytes: bytes.length })
      await expect(storage.adopt(file, 't/large')).rejects.toMatchObject({ code: 'storage/exists' })
      const reader = await bucket.open('large', { cacheDirectory: join(bucket.directory, 'another') })
      const { locations, release } = await reader.lease([{ path: 't/large', bytes: bytes.length }])
      expect(readFileSync(locations[0]!).equals(bytes)).toBe(true)
      release()
      // No parts are left behind.
      const left = join(bucket.server.directory, bucket.bucket, '.sgwtmp/multipart')
      expect(readdirSync(left, { recursive: true }).filter((name) => String(name).endsWith('1'))).toEqual([])
    })

    test('a write that the store refuses is no success', async () => {
      const storage = await bucket.open('refused')
      await storage.write('file', 'x')
      // A store whose objects are files has no object below an object.
      await expect(storage.write('file/below', 'y')).rejects.toMatchObject({ code: 'storage/refused' })
    })

    test('an upload in parts that fails is aborted', async () => {
      await using proxy = await startFaultProxy(bucket.server.endpoint.slice('http://'.length))
      const storage = await bucket.open('aborted', { patience: { retryMaxMs: 300 } }, proxy.address)
      const file = join(bucket.directory, 'aborted')
      writeFileSync(file, Buffer.alloc(33 * 1024 * 1024))
      proxy.fault = ({ path }) => (path.includes('partNumber=2') ? { status: 500 } : undefined)
      await expect(storage.adopt(file, 't/large')).rejects.toMatchObject({ kind: 'retry' })
      expect(proxy.requests.at(-1)).toMatchObject({
        method: 'DELETE',
        path: expect.stringContaining('uploadId='),
      })
      expect(await storage.stat('t/large')).toBeUndefined()
      // The answer to the joining is lost: it is found to be ours.
      let joins = 0
      proxy.fault = ({ method, path }) => {
        if (method !== 'POST' || !path.includes('uploadId=')) return undefined
        return joins++ === 0 ? 'drop-after' : undefined
      }
      expect(await storage.adopt(file, 't/large')).toMatchObject({ bytes: 33 * 1024 * 1024 })
      expect(joins).toBe(2)
    })

    for (const [what, fault] of [
      ['500 before', { status: 500 }],
      ['500 after', { statusAfter: 500 }],
      ['no answer after', 'drop-after'],
      ['no answer before', 'drop'],
    ] as [string, Fault][]) {
      test(`a commit with ${what} it was applied is made once, and is known to be ours`, async () => {
        await using proxy = await startFaultProxy(bucket.server.endpoint.slice('http://'.length))
        const storage = await bucket.open(`faults-${randomUUID()}`, {}, proxy.address)
        let faults = 0
        proxy.fault = ({ method }) => (method === 'PUT' && faults++ < 2 ? fault : undefined)
        expect(await storage.createExclusive('t/v1', 'ours')).toBe(true)
        faults = 0
        expect(await storage.createExclusive('t/v1', 'another')).toBe(false)
        expect((await storage.read('t/v1')).toString()).toBe('ours')
        expect(faults).toBeGreaterThan(0)
      })
    }

    test('a commit whose fate cannot be seen is an unknown outcome', async () => {
      await using proxy = await startFaultProxy(bucket.server.endpoint.slice('http://'.length))
      const storage = await bucket.open('unknown', { patience: { retryMaxMs: 300 } }, proxy.address)
      proxy.fault = () => 'drop-after'
      await expect(storage.createExclusive('t/v1', 'x')).rejects.toMatchObject({
        code: 'storage/unknown-outcome',
        kind: 'retry',
      })
      proxy.fault = () => ({ status: 503 })
      await expect(storage.read('t/v1')).rejects.toMatchObject({ kind: 'retry' })
    })

    test('a body that is cut is asked for again', async () => {
      await using proxy = await startFaultProxy(bucket.server.endpoint.slice('http://'.length))
      const storage = await bucket.open('cut', {}, proxy.address)
      await storage.write('x', 'y'.repeat(100_000))
      let cuts = 0
      proxy.fault = ({ method }) => (method === 'GET' && cuts++ < 2 ? 'cut' : undefined)
      expect((await storage.read('x')).length).toBe(100_000)
      cuts = 0
      const { locations } = await storage.lease([{ path: 'x', bytes: 100_000 }])
      expect(readFileSync(locations[0]!, 'utf8')).toBe('y'.repeat(100_000))
      expect(cuts).toBeGreaterThan(2)
    })

    test('a store that ignores the condition of a commit is refused by name', async () => {
      const { AwsClient } = await import('aws4fetch')
      const { accessKeyId, secretAccessKey, region, endpoint } = bucket.server
      const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 })
      const { createServer } = await import('node:http')
      await using careless = createServer((incoming, outgoing) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', async () => {
          const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}
          const answer = await client.fetch(`${endpoint}${incoming.url}`, {
            method: incoming.method!,
            ...body,
          })
          outgoing.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()))
        })
      })
      await new Promise<void>((resolve) => careless.listen(0, '127.0.0.1', resolve))
      const { port } = careless.address() as { port: number }
      await expect(bucket.open('careless', {}, `127.0.0.1:${port}`)).rejects.toMatchObject({
        code: 'storage/no-conditional-put',
        message: expect.stringContaining('ignores If-None-Match'),
      })
      const reader = await bucket.open('careless', { readOnly: true }, `127.0.0.1:${port}`)
      expect(await reader.stat('x')).toBeUndefined()
    })

    test('mistakes are one clear line each', async () => {
      const open = (more: NodeJS.ProcessEnv, url = bucket.url('x'), options = {}) =>
        openStorage(url, {
          environment: { ...bucket.environment, ...more },
          cacheDirectory: join(bucket.directory, 'cache'),
          patience: { retryMaxMs: 200 },
          ...options,
        })
      const refused = (made: Promise<unknown>, code: string, text: RegExp, kind = 'fix-config') =>
        expect(made).rejects.toMatchObject({ code, kind, message: expect.stringMatching(text) })
      const endpoint = `endpoint=${bucket.server.endpoint}`
      await refused(
        open({}, `s3://no-such-bucket-here/x?${endpoint}`),
        'storage/no-bucket',
        /no bucket no-such-bucket-here/,
      )
      await refused(
        open({ AWS_ACCESS_KEY_ID: 'nobody' }),
        'storage/credentials',
        /does not know the access key/,
      )
      await refused(open({ AWS_SECRET_ACCESS_KEY: 'wrong' }), 'storage/credentials', /secret key is wrong/)
      const yesterday = { nowMs: () => Date.now() - 86_400_000 }
      await refused(open({}, bucket.url('x'), yesterday), 'storage/clock-skew', /clock/)
      await refused(open({ AWS_ACCESS_KEY_ID: '' }), 'storage/credentials', /AWS_ACCESS_KEY_ID is not set/)
      await refused(open({}, 's3://b/x?endpoint=http://127.0.0.1:1'), 'storage/bad-url', /bucket "b"/)
      await refused(
        open({}, `s3://bucket/x?endpoint=http://127.0.0.1:${await freePort()}`),
        'storage/unavailable',
        /127.0.0.1:\d+: connect ECONNREFUSED/,
        'retry',
      )
      await refused(
        open({}, `s3://bucket/x?${endpoint}&regoin=x`),
        'storage/bad-url',
        /unknown parameter "regoin"/,
      )
      await refused(open({}, 's3://id:secret@bucket/x'), 'storage/secret-in-url', /^(?!.*secret@).*$/)
    })
  })
}
