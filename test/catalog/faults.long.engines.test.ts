/**
 * Catalogs that are raced for, killed and cut off: every commit that was reported stands, once. Each commit raises a counter, so a lost and
 * a doubled one both show.
 */
import { expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openHiveCatalog } from '../../src/catalog/drivers/hive/open.ts'
import { openRestCatalog } from '../../src/catalog/drivers/rest/open.ts'
import { createMetadata } from '../../src/lake/create-metadata.ts'
import type { Engine } from '../../src/stack/engine.ts'
import { type HiveState, hive, hive3 } from '../../src/stack/engines/hive.ts'
import { type IcebergRestState, icebergRest } from '../../src/stack/engines/iceberg-rest.ts'
import { shareEngine, startPrivateEngine } from '../engines/shared-engine.ts'
import { purchases } from '../lake/support.ts'
import { type Loss, openLossyProxy } from './lossy-proxy.ts'
import { count, type OwnNamespace, openNamespace } from './support.ts'

const SECONDS = 1000
/** As short as a test needs them: how long a call may take, and when the lock of a lost commit is dead. */
const TIMES = { callMs: 3000, requestMs: 3000, patienceMs: 60 * SECONDS, ownTimeoutMs: 5 * SECONDS }

interface Kind {
  engine: Engine<HiveState | IcebergRestState>
  open(own: OwnNamespace, port: number): Promise<Catalog>
  /** In the bytes of the call that commits. */
  commit(own: OwnNamespace): string
}

const hiveKind = (engine: Engine<HiveState>): Kind => ({
  engine,
  open: ({ storage, namespace }, port) =>
    openHiveCatalog(storage, { namespace, host: '127.0.0.1', port, times: TIMES }),
  commit: () => 'alter_table_with_environment_context',
})

const KINDS: Kind[] = [
  {
    engine: icebergRest,
    open: ({ storage, namespace }, port) =>
      openRestCatalog(storage, { namespace, url: `http://127.0.0.1:${port}`, times: TIMES }),
    commit: ({ namespace }) => `POST /v1/namespaces/${namespace}/tables/t `,
  },
  hiveKind(hive),
  hiveKind(hive3),
]

async function makeTable(own: OwnNamespace): Promise<void> {
  await own.catalog.createTable(
    't',
    createMetadata({ ...purchases, name: 't' }, own.location('t'), Date.now(), {}),
  )
}

async function counted(catalog: Catalog): Promise<number> {
  return Number((await catalog.loadTable('t'))!.metadata.properties['n'] ?? 0)
}

const portOf = (url: string) => Number(new URL(url).port)

for (const kind of KINDS) {
  const { title } = kind.engine
  const find = () => shareEngine(kind.engine)

  test(`${title}: of 200 commits of two writers none is lost`, { timeout: 240_000 }, async ({ skip }) => {
    const found = await find()
    if ('missing' in found) return skip(found.missing)
    const own = await openNamespace(found.url)
    await makeTable(own)
    const writers = [own.catalog, await own.openAnother()]
    await Promise.all(
      writers.map(async (catalog, writer) => {
        for (let i = 0; i < 100; i++) await setUntilDone(catalog, `${writer}-${i}`)
      }),
    )
    const { properties } = (await own.catalog.loadTable('t'))!.metadata
    const keys = Object.keys(properties).filter((key) => /^[01]-\d+$/.test(key))
    expect(keys).toHaveLength(200)
    expect(properties['n']).toBe('200')
    await own.close()
  })

  for (const loss of ['request', 'answer', 'silent'] as const satisfies Loss[]) {
    test(`${title}: a commit whose ${lossName(loss)} happens once`, { timeout: 120_000 }, async ({
      skip,
    }) => {
      const found = await find()
      if ('missing' in found) return skip(found.missing)
      await using proxy = await openLossyProxy(portOf(found.url))
      const own = await openNamespace(found.url)
      await makeTable(own)
      const catalog = await kind.open(own, proxy.port)
      await count(catalog, 't')
      proxy.lose(kind.commit(own), loss)
      await count(catalog, 't')
      expect(proxy.lost).toBe(1)
      await count(catalog, 't')
      expect(await counted(own.catalog)).toBe(3)
      await own.close()
    })
  }

  test(`${title}: killed twice during commits, each stands once`, { timeout: 240_000 }, async ({ skip }) => {
    const started = await startPrivateEngine(kind.engine)
    if ('missing' in started) return skip(started.missing)
    await using engine = started
    const own = await openNamespace(engine.state.url)
    await makeTable(own)
    const catalog = await kind.open(own, portOf(engine.state.url))
    const committing = (async () => {
      for (let i = 0; i < 80; i++) await count(catalog, 't')
    })()
    for (const reached of [10, 30]) {
      while ((await counted(own.catalog)) < reached) await sleep(20)
      await engine.kill()
      await engine.restart()
    }
    await committing
    expect(await counted(await own.openAnother())).toBe(80)
    await own.close()
  })
}

function lossName(loss: Loss): string {
  return loss === 'request' ? 'request is lost' : loss === 'answer' ? 'answer is lost' : 'answer never comes'
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Sets a property and raises the counter, until it stands. A conflict says for certain that nothing happened. */
async function setUntilDone(catalog: Catalog, key: string): Promise<void> {
  for (;;) {
    const base = (await catalog.loadTable('t'))!
    const updates = { [key]: 'x', n: String(Number(base.metadata.properties['n'] ?? 0) + 1) }
    const next = {
      ...base.metadata,
      'last-updated-ms': base.metadata['last-updated-ms'] + 1,
      properties: { ...base.metadata.properties, ...updates },
    }
    try {
      await catalog.commitTable(base, next, [{ action: 'set-properties', updates }])
      return
    } catch (error) {
      if ((error as { code?: string }).code !== 'catalog/conflict') throw error
    }
  }
}
