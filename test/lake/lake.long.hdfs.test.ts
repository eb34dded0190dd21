import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openLake } from '../../src/lake/iceberg-lake.ts'
import { hdfs as engine } from '../../src/stack/engines/hdfs.ts'
import { startPrivateEngine } from '../engines/shared-engine.ts'
import { World } from '../lander/support.ts'
import { openTestHdfs, startHdfsProxy, testHdfs } from '../storage/hdfs-support.ts'
import { expectEachOnce, landUntilDone, remoteLakeSuite, sendTen } from './remote-lake.ts'

const hdfs = await openTestHdfs()
afterAll(() => {
  if (!('missing' in hdfs)) hdfs.close()
})

if ('missing' in hdfs) {
  test('a lake in HDFS', ({ skip }) => skip(hdfs.missing))
} else {
  remoteLakeSuite({
    name: 'HDFS 3.5',
    open: hdfs.open,
    async openThroughProxy(path, options) {
      const proxy = await startHdfsProxy(hdfs.state.http)
      const storage = await hdfs.open(path, options, proxy.address)
      return { proxy, storage, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() }
    },
  })

  test('a DataNode that is away while a batch lands is waited for', { timeout: 180_000 }, async ({
    skip,
  }) => {
    const own = await startPrivateEngine(engine)
    if ('missing' in own) return skip(own.missing)
    await using _ = own
    const storage = await testHdfs(own.state).open('datanode', { patience: { retryMaxMs: 2_000 } })
    await using world = new World()
    const openWorldLake = () => openLake({ storage, catalog: openFileCatalog(storage) })
    world.lake = openWorldLake()
    await sendTen(world, 0)
    await world.land()
    await own.kill('SIGKILL', 'datanode')
    await sendTen(world, 1)
    let landed = false
    const landing = landUntilDone(world, openWorldLake).then(() => (landed = true))
    await sleep(5_000)
    expect(landed).toBe(false)
    await own.restart()
    await landing
    await expectEachOnce(world, 20)
  })
}
