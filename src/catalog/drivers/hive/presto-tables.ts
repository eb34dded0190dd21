import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { formatMetadata, type MetadataUpdate, type TableMetadata } from '../../../lake/metadata.ts'
import { TableFiles } from '../../../lake/table-files.ts'
import type { Storage } from '../../../storage/storage.ts'
import type { Catalog, TableVersion } from '../../catalog.ts'
import { isMetastoreError, type Metastore } from './metastore.ts'
import { METADATA_LOCATION, newTable, parametersOf, withMetadata } from './table.ts'

/**
 * PrestoDB (0.287, over a metastore) refuses an Iceberg table with a single `timestamptz` column. So that it reads the same tables, each has a
 * second one in the database `<namespace>_presto`: a metadata file of its own that says `timestamp`, over the very same manifests and data
 * files. Both are microseconds of UTC; Presto shows milliseconds, in the time zone of its session.
 *
 * It follows each commit and may be one behind when its writer died or another was faster; nobody writes through it, and nothing else depends
 * on it. Before old files are unlinked it is brought up to date, so it never names what is gone.
 */
export class WithPrestoTables implements Catalog {
  readonly namespace: string
  readonly #inner: Catalog
  readonly #storage: Storage
  readonly #files: TableFiles
  readonly #metastore: Metastore
  readonly #database: string

  constructor(inner: Catalog, storage: Storage, metastore: Metastore) {
    this.namespace = inner.namespace
    this.#inner = inner
    this.#storage = storage
    this.#files = new TableFiles(storage)
    this.#metastore = metastore
    this.#database = `${inner.namespace}_presto`
  }

  listTables(): Promise<string[]> {
    return this.#inner.listTables()
  }

  loadTable(name: string): Promise<TableVersion | undefined> {
    return this.#inner.loadTable(name)
  }

  async createTable(name: string, metadata: TableMetadata): Promise<TableVersion> {
    return this.#followed(await this.#inner.createTable(name, metadata))
  }

  async commitTable(
    base: TableVersion,
    next: TableMetadata,
    updates: MetadataUpdate[],
  ): Promise<TableVersion> {
    return this.#followed(await this.#inner.commitTable(base, next, updates))
  }

  async dropTable(name: string): Promise<void> {
    await this.#inner.dropTable(name)
    await this.#metastore.dropTable(this.#database, name)
  }

  /** Comes before files are unlinked, so here a failure counts. Old metadata files of ours go with the others. */
  async forgetOldVersions(current: TableVersion): Promise<void> {
    await this.#follow(current)
    await this.#inner.forgetOldVersions(current)
  }

  /** The commit stands whatever happens here; the next one makes up for it. */
  async #followed(version: TableVersion): Promise<TableVersion> {
    await this.#follow(version).catch(() => {})
    return version
  }

  async #follow({ name, metadata, metadataLocation }: TableVersion): Promise<void> {
    const found = await this.#metastore.table(this.#database, name)
    const before = found && parametersOf(found)[METADATA_LOCATION]
    const number = numberOf(metadataLocation)
    if (before !== undefined && numberOf(before) >= number && before.includes(metadata['table-uuid'])) return
    const file = `${String(number).padStart(5, '0')}-${metadata['table-uuid']}-${randomUUID()}.metadata.json`
    const url = `${metadata.location}/metadata/${file}`
    const shown = forPresto(metadata)
    await this.#storage.write(this.#files.path(url), formatMetadata(shown))
    if (found === undefined) await this.#create(name, shown, url)
    else await this.#metastore.alterTable(this.#database, name, withMetadata(found, shown, url), {})
  }

  async #create(name: string, metadata: TableMetadata, metadataLocation: string): Promise<void> {
    const parts = { database: this.#database, name, owner: userInfo().username, metadata, metadataLocation }
    const table = newTable(parts, metadata['last-updated-ms'])
    try {
      await this.#metastore.createTable(table)
    } catch (error) {
      if (!isMetastoreError(error)) throw error
      if (await this.#metastore.hasDatabase(this.#database)) throw error
      await this.#metastore.createDatabase(this.#database, `${this.#storage.url}/${this.#database}`)
      await this.#metastore.createTable(table)
    }
  }
}

const numberOf = (location: string) => Number(/\/(\d+)-[^/]*$/.exec(location)?.[1] ?? 0)

function forPresto(metadata: TableMetadata): TableMetadata {
  const schemas = metadata.schemas.map((schema) => ({
    ...schema,
    fields: schema.fields.map((field) => ({
      ...field,
      type: field.type === 'timestamptz' ? ('timestamp' as typeof field.type) : field.type,
    })),
  }))
  return { ...metadata, schemas, 'metadata-log': [] }
}
