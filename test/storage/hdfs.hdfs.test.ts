import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openStorage } from '../../src/storage/open.ts'
import { storageSuite } from '../conformance/storage-suite.ts'
import { freePort } from '../engines/shared-engine.ts'
import type { Fault } from '../support/fault-proxy.ts'
import { openTestHdfs, startHdfsProxy } from './hdfs-support.ts'

const hdfs = await openTestHdfs()
afterAll(() => {
  if (!('missing' in hdfs)) hdfs.close()
})

/** A NameNode that answers everything so. */
async function startAnswering(status: number, headers: Record<string, string>, body: string) {
  const server = createServer((_incoming, outgoing) => outgoing.writeHead(status, headers).end(body))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const exception = (name: string, message: string) =>
  JSON.stringify({
    RemoteException: { exception: name, javaClassName: `org.apache.hadoop.${name}`, message },
  })

if ('missing' in hdfs) {
  test('HDFS', ({ skip }) => skip(hdfs.missing))
} else {
  let lakes = 0
  storageSuite({
    name: 'HDFS 3.5',
    engines: true,
    open: async () => ({ storage: await hdfs.open(`lake-${++lakes}/below`), close: async () => {} }),
  })

  describe('HDFS', () => {
    test('its URL is what Spark and Trino open', async () => {
      expect((await hdfs.open('a/b')).url).toBe(`${hdfs.state.url}/a/b`)
      expect((await hdfs.open('')).url).toBe(hdfs.state.url)
    })

    test('a file is synced on the disk of its DataNode before it is answered for', async () => {
      const storage = await hdfs.open('sync')
      const fsyncs = async () => {
        const address = new URL(
          (
            await fetch(`http://${hdfs.state.http}/webhdfs/v1/sync/x?op=OPEN&user.name=landfall`, {
              redirect: 'manual',
            })
          ).headers.get('location')!,
        ).host
        const answer = await fetch(
          `http://${address}/jmx?qry=Hadoop:service=DataNode,name=DataNodeActivity-*`,
        )
        const { beans } = (await answer.json()) as { beans: { FsyncCount: number }[] }
        return beans[0]!.FsyncCount
      }
      await storage.write('x', 'first')
      const before = await fsyncs()
      await storage.write('x', 'second')
      // DataNodes publish what they count every few seconds.
      await expect.poll(fsyncs, { timeout: 20_000, interval: 500 }).toBeGreaterThan(before)
    })

    test('names that need encoding come back as they were', async () => {
      const storage = await hdfs.open('names')
      const names = ['a b+c&d=é%', 'p=2026-01-01/x y']
      for (const name of names) await storage.write(name, name)
      for (const name of names) expect((await storage.read(name)).toString()).toBe(name)
      const found: string[] = []
      for await (const { path } of storage.list('')) found.push(path)
      expect(found.sort()).toEqual(names.toSorted())
    })

    test('a large file goes and comes whole', { timeout: 120_000 }, async () => {
      const storage = await hdfs.open('large')
      const file = join(hdfs.directory, 'large')
      const bytes = Buffer.alloc(40 * 1024 * 1024)
      for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(i, i)
      writeFileSync(file, bytes)
      expect(await storage.adopt(file, 't/large')).toMatchObject({ bytes: bytes.length })
      const reader = await hdfs.open('large', { cacheDirectory: join(hdfs.directory, 'another') })
      const { locations, release } = await reader.lease([{ path: 't/large', bytes: bytes.length }])
      expect(readFileSync(locations[0]!).equals(bytes)).toBe(true)
      release()
    })

    for (const [what, fault] of [
      ['500 before', { status: 500 }],
      ['500 after', { statusAfter: 500 }],
      ['no answer after', 'drop-after'],
      ['no answer before', 'drop'],
    ] as [string, Fault][]) {
      test(`a commit with ${what} it was applied is made once, and is known to be ours`, async () => {
        await using proxy = await startHdfsProxy(hdfs.state.http)
        const storage = await hdfs.open(`faults-${randomUUID()}`, {}, proxy.address)
        const left = new Map<string, number>()
        const reset = () =>
          ['op=CREATE', 'op=RENAME', 'namenoderpcaddress='].forEach((part) => left.set(part, 2))
        proxy.fault = ({ path }) => {
          const part = [...left.keys()].find((one) => path.includes(one) && left.get(one)! > 0)
          if (part === undefined) return undefined
          left.set(part, left.get(part)! - 1)
          return fault
        }
        reset()
        expect(await storage.createExclusive('t/v1', 'ours')).toBe(true)
        expect(left.get('op=RENAME')).toBe(0)
        reset()
        expect(await storage.createExclusive('t/v1', 'another')).toBe(false)
        await storage.write('t/hint', 'replaced')
        expect((await storage.read('t/v1')).toString()).toBe('ours')
        expect((await storage.read('t/hint')).toString()).toBe('replaced')
      })
    }

    test('a read that a DataNode breaks off is asked of another, and of the same one when there is none', async () => {
      await using proxy = await startHdfsProxy(hdfs.state.http)
      const storage = await hdfs.open(`cut-${randomUUID()}`, {}, proxy.address)
      await storage.write('x', 'y'.repeat(10_000))
      let cuts = 0
      proxy.fault = ({ path }) => (path.includes('namenoderpcaddress=') && cuts++ === 0 ? 'cut' : undefined)
      expect((await storage.read('x')).toString()).toBe('y'.repeat(10_000))
      expect(proxy.requests.some(({ path }) => path.includes('excludedatanodes=127.0.0.1'))).toBe(true)
      expect(cuts).toBe(2)
    })

    test('two that name the same file at once: one wins, the other knows, nothing is left', async () => {
      const storage = await hdfs.open(`race-${randomUUID()}`)
      for (let i = 0; i < 5; i++) {
        const won = await Promise.all(['a', 'b', 'c'].map((text) => storage.createExclusive(`t/v${i}`, text)))
        expect(won.filter(Boolean)).toHaveLength(1)
      }
      const found: string[] = []
      for await (const { path } of storage.list('t')) found.push(path)
      expect(found.sort()).toEqual(['t/v0', 't/v1', 't/v2', 't/v3', 't/v4'])
    })

    test('a standby NameNode is passed over for the active one', async () => {
      const body = exception('StandbyException', 'Operation category READ is not supported in state standby')
      await using standby = await startAnswering(403, {}, body)
      const storage = await hdfs.open('ha', {}, `${standby.address},${hdfs.state.http}`)
      await storage.write('x', '1')
      expect((await storage.read('x')).toString()).toBe('1')
      await expect(hdfs.open('ha', { patience: { retryMaxMs: 200 } }, standby.address)).rejects.toMatchObject(
        {
          kind: 'retry',
          message: expect.stringContaining('standby NameNode'),
        },
      )
    })

    test('mistakes are one clear line each', async () => {
      const quick = { patience: { retryMaxMs: 200 } }
      const refused = (made: Promise<unknown>, code: string, text: RegExp, kind = 'fix-config') =>
        expect(made).rejects.toMatchObject({ code, kind, message: expect.stringMatching(text) })
      await using kerberos = await startAnswering(401, { 'www-authenticate': 'Negotiate' }, '')
      await refused(
        hdfs.open('x', quick, kerberos.address),
        'storage/kerberos',
        /demands Kerberos, which is not supported/,
      )
      const safeMode = exception(
        'SafeModeException',
        'Cannot create file. Name node is in safe mode.\nThe reported blocks 0',
      )
      await using safe = await startAnswering(403, {}, safeMode)
      await refused(hdfs.open('x', quick, safe.address), 'storage/unavailable', /is in safe mode$/, 'retry')
      const denied = exception('AccessControlException', 'Permission denied: user=x, access=WRITE, inode="/"')
      await using closed = await startAnswering(403, {}, denied)
      await refused(
        hdfs.open('x', quick, closed.address),
        'storage/no-permission',
        /Permission denied: user=x/,
      )
      await using other = await startAnswering(200, {}, '<html>')
      await refused(hdfs.open('x', quick, other.address), 'storage/refused', /not WebHDFS's/)
      const storage = await hdfs.open('in-the-way')
      await storage.write('file', 'x')
      await refused(storage.write('file/below', 'y'), 'storage/refused', /cannot make/, 'bad-data')
      await storage.delete('file/below')
      const nobody = `127.0.0.1:${await freePort()}`
      await refused(hdfs.open('x', quick, nobody), 'storage/unavailable', /ECONNREFUSED/, 'retry')
      await refused(openStorage('hdfs://nn/x?htp=nn:1'), 'storage/bad-url', /unknown parameter "htp"/)
      await refused(openStorage('hdfs:///x'), 'storage/bad-url', /found no NameNode/)
      await refused(openStorage('hdfs://me:secret@nn/x'), 'storage/secret-in-url', /^(?!.*secret@).*$/)
    })
  })
}
