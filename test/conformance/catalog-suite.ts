/** What every catalog driver promises (src/catalog/catalog.ts), as tests. A driver's own test calls this. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Catalog, TableVersion } from '../../src/catalog/catalog.ts'
import { createMetadata } from '../../src/lake/create-metadata.ts'
import type { TableMetadata } from '../../src/lake/metadata.ts'
import type { TableDefinition } from '../../src/model/pipeline.ts'

export interface OpenedCatalog {
  catalog: Catalog
  /** The same catalog as another process would open it. */
  openAnother(): Promise<Catalog>
  /** Location for the metadata of a table. */
  location(table: string): string
  close(): Promise<void>
}

export interface CatalogSuiteOptions {
  name: string
  open(): Promise<OpenedCatalog>
}

const definition = (name: string): TableDefinition => ({
  name,
  events: ['*'],
  columns: [
    { name: 'event_id', type: 'string', source: { from: 'event_id' } },
    { name: 'received_at', type: 'timestamptz', source: { from: 'received_at' } },
  ],
  partition: { column: 'received_at', transform: 'day' },
  codec: 'snappy',
})

export function withProperty(base: TableVersion, key: string, value: string): TableMetadata {
  return {
    ...base.metadata,
    'last-updated-ms': base.metadata['last-updated-ms'] + 1,
    properties: { ...base.metadata.properties, [key]: value },
  }
}

export function setProperty(
  catalog: Catalog,
  base: TableVersion,
  key: string,
  value: string,
): Promise<TableVersion> {
  const updates = [{ action: 'set-properties' as const, updates: { [key]: value } }]
  return catalog.commitTable(base, withProperty(base, key, value), updates)
}

export function catalogSuite(options: CatalogSuiteOptions): void {
  describe(`catalog: ${options.name}`, () => {
    let opened: OpenedCatalog
    let catalog: Catalog
    beforeEach(async () => {
      opened = await options.open()
      catalog = opened.catalog
    })
    afterEach(() => opened.close())
    const create = (name: string) =>
      catalog.createTable(
        name,
        createMetadata(definition(name), opened.location(name), 1_700_000_000_000, {}),
      )

    test('an absent table is undefined and not listed', async () => {
      expect(await catalog.loadTable('purchases')).toBeUndefined()
      expect(await catalog.listTables()).toEqual([])
    })

    test('a created table is listed and loaded by everyone', async () => {
      const created = await create('purchases')
      await create('guilds')
      const another = await opened.openAnother()
      expect((await another.listTables()).sort()).toEqual(['guilds', 'purchases'])
      const loaded = await another.loadTable('purchases')
      expect(loaded?.metadata['table-uuid']).toBe(created.metadata['table-uuid'])
      expect(loaded?.metadata.schemas).toEqual(created.metadata.schemas)
      expect(loaded?.metadataLocation).toBe(created.metadataLocation)
    })

    test('a table is created once', async () => {
      await create('purchases')
      await expect(create('purchases')).rejects.toMatchObject({ code: 'catalog/conflict', kind: 'retry' })
    })

    test('a commit is what everyone loads next', async () => {
      const base = await create('purchases')
      const another = await opened.openAnother()
      await another.loadTable('purchases')
      const committed = await setProperty(catalog, base, 'k', 'v1')
      expect(committed.metadata.properties.k).toBe('v1')
      expect(committed.version).not.toBe(base.version)
      for (const reader of [catalog, another]) {
        expect((await reader.loadTable('purchases'))?.metadata.properties.k).toBe('v1')
      }
    })

    test('a commit on an old base is a conflict and leaves nothing', async () => {
      const base = await create('purchases')
      const another = await opened.openAnother()
      await setProperty(catalog, base, 'k', 'winner')
      const late = setProperty(another, base, 'k', 'loser')
      await expect(late).rejects.toMatchObject({ code: 'catalog/conflict', kind: 'retry' })
      expect((await another.loadTable('purchases'))?.metadata.properties.k).toBe('winner')
    })

    test('of many commits on one base exactly one wins', async () => {
      const base = await create('purchases')
      const writers = await Promise.all(Array.from({ length: 8 }, () => opened.openAnother()))
      const results = await Promise.allSettled(
        writers.map((writer, i) => setProperty(writer, base, 'k', String(i))),
      )
      const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [String(i)] : []))
      expect(winners).toHaveLength(1)
      expect((await catalog.loadTable('purchases'))?.metadata.properties.k).toBe(winners[0])
    })

    test('snapshot ids keep all their digits', async () => {
      const base = await create('purchases')
      const id = 9_223_372_036_854_775_807n
      const snapshot = {
        'snapshot-id': id,
        'sequence-number': 1,
        'timestamp-ms': base.metadata['last-updated-ms'] + 1,
        'manifest-list': `${base.metadata.location}/metadata/none.avro`,
        summary: { operation: 'append' },
        'schema-id': 0,
      }
      const next: TableMetadata = {
        ...withProperty(base, 'k', 'v'),
        'last-sequence-number': 1,
        'current-snapshot-id': id,
        snapshots: [snapshot],
        'snapshot-log': [{ 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': id }],
        refs: { main: { 'snapshot-id': id, type: 'branch' } },
      }
      await catalog.commitTable(base, next, [
        { action: 'add-snapshot', snapshot },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
      ])
      const loaded = await (await opened.openAnother()).loadTable('purchases')
      expect(loaded?.metadata['current-snapshot-id']).toBe(id)
      expect(loaded?.metadata.snapshots[0]?.['snapshot-id']).toBe(id)
      expect(loaded?.metadata.refs.main?.['snapshot-id']).toBe(id)
    })

    test('a dropped table is gone for everyone and can be made again', async () => {
      let base = await create('purchases')
      for (let i = 0; i < 30; i++) base = await setProperty(catalog, base, 'k', String(i))
      const another = await opened.openAnother()
      await another.loadTable('purchases')
      await catalog.dropTable('purchases')
      expect(await catalog.loadTable('purchases')).toBeUndefined()
      expect(await another.loadTable('purchases')).toBeUndefined()
      expect(await catalog.listTables()).toEqual([])
      const again = await create('purchases')
      expect(again.metadata['table-uuid']).not.toBe(base.metadata['table-uuid'])
      expect((await another.loadTable('purchases'))?.metadata['table-uuid']).toBe(
        again.metadata['table-uuid'],
      )
    })

    test('a name that could leave the namespace is refused', async () => {
      for (const name of ['', '..', '.x', 'a/b', 'a\\b']) {
        await expect(catalog.loadTable(name), name).rejects.toMatchObject({ code: 'catalog/bad-name' })
      }
    })
  })
}
