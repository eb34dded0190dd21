import { isLandfallError } from '../../../base/errors.ts'
import {
  completeMetadata,
  formatJson,
  type MetadataUpdate,
  type TableMetadata,
} from '../../../lake/metadata.ts'
import { TableFiles } from '../../../lake/table-files.ts'
import type { Storage } from '../../../storage/storage.ts'
import type { Catalog, TableVersion } from '../../catalog.ts'
import { checkTableName, conflict, damaged, unknownOutcome } from '../../catalog-errors.ts'
import { NoAnswer, type RestAnswer, type RestClient, type RestRequest, saidBy, typeOf } from './client.ts'
import { type CommitRequest, commitRequest } from './commit.ts'

/** Tables of one page of a list. */
const PAGE_SIZE = '1000'

/**
 * An Iceberg REST catalog (https://iceberg.apache.org/rest-catalog-spec).
 *
 * The server writes the metadata files, below the location that we give the table, so it must reach the same storage. Which of them is
 * current is what it says; old ones it deletes itself, by the table's properties `write.metadata.*`. Credentials for a storage that it
 * may hand out are not used: storage has its own.
 *
 * What a crash leaves. Before the request: manifests that nothing names, which maintenance takes. Between request and answer: the commit
 * stands or it does not, and it is looked for: a commit is found by its snapshot's id. Not found is not "did not happen" (the request may
 * still be on its way), so that is `catalog/unknown-outcome`; a request that comes late finds `main` moved as soon as anything else was
 * committed, and is refused by the server.
 */
export class RestCatalog implements Catalog {
  readonly namespace: string
  readonly #storage: Storage
  readonly #files: TableFiles
  readonly #client: RestClient
  readonly #root: string
  /** The last version of each table that came with an entity tag. */
  readonly #tagged = new Map<string, { tag: string; version: TableVersion }>()

  constructor(storage: Storage, client: RestClient, namespace: string, prefix: string) {
    this.namespace = namespace
    this.#storage = storage
    this.#files = new TableFiles(storage)
    this.#client = client
    this.#root = `/v1/${prefix === '' ? '' : `${prefix}/`}namespaces`
  }

  async listTables(): Promise<string[]> {
    const names: string[] = []
    let pageToken: string | undefined = ''
    do {
      const answer: RestAnswer = await this.#client.request({
        method: 'GET',
        path: this.#tables(),
        query: { pageToken, pageSize: PAGE_SIZE },
        accepts: [404],
      })
      if (answer.status === 404) return []
      const page = answer.body as { identifiers: { name: string }[]; 'next-page-token'?: string | null }
      names.push(...page.identifiers.map(({ name }) => name))
      pageToken = page['next-page-token'] || undefined
    } while (pageToken !== undefined)
    return names.sort()
  }

  async loadTable(name: string): Promise<TableVersion | undefined> {
    checkTableName(name)
    const tagged = this.#tagged.get(name)
    const answer = await this.#client.request({
      method: 'GET',
      path: this.#tables(name),
      headers: tagged === undefined ? {} : { 'if-none-match': tagged.tag },
      accepts: [304, 404],
    })
    if (answer.status === 304 && tagged !== undefined) return tagged.version
    this.#tagged.delete(name)
    if (answer.status === 404) return undefined
    const version = versionOf(name, answer)
    const tag = answer.headers.get('etag')
    if (tag !== null) this.#tagged.set(name, { tag, version })
    return version
  }

  async createTable(name: string, metadata: TableMetadata): Promise<TableVersion> {
    checkTableName(name)
    const body = formatJson({
      name,
      location: metadata.location,
      schema: metadata.schemas[0],
      'partition-spec': metadata['partition-specs'][0],
      properties: { 'format-version': '2', ...metadata.properties },
      'stage-create': false,
    })
    const request: RestRequest = { method: 'POST', path: this.#tables(), body, accepts: [404, 409] }
    for (;;) {
      const answer = await this.#change(name, `the creation of ${name}`, request).catch(async (error) => {
        // Whoever made it: it is there, and the caller goes on with what it finds.
        const lost = isLandfallError(error, 'catalog/unknown-outcome')
        if (lost && (await this.#look(name)) !== undefined) throw conflict(name, 'it exists')
        throw error
      })
      if (answer.status === 409) throw conflict(name, 'it exists')
      if (answer.status !== 404) return versionOf(name, answer)
      await this.#createNamespace(name, answer)
    }
  }

  async commitTable(
    base: TableVersion,
    next: TableMetadata,
    updates: MetadataUpdate[],
  ): Promise<TableVersion> {
    const { name } = base
    const commit = await commitRequest(this.#storage, this.#files, base, next, updates)
    const identifier = { namespace: [this.namespace], name }
    const body = formatJson({ identifier, requirements: commit.requirements, updates: commit.updates })
    const path = this.#tables(name)
    let answer: RestAnswer
    try {
      // The commit point.
      answer = await this.#client.request({ method: 'POST', path, body, accepts: [404, 409] })
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      return this.#lookFor(name, commit, error)
    }
    if (answer.status === 404 || answer.status === 409) {
      await Promise.allSettled(commit.written.map((written) => this.#storage.delete(written)))
      throw conflict(name, saidBy(answer))
    }
    return versionOf(name, answer)
  }

  async dropTable(name: string): Promise<void> {
    checkTableName(name)
    await this.#change(name, `dropping ${name}`, {
      method: 'DELETE',
      path: this.#tables(name),
      query: { purgeRequested: 'false' },
      accepts: [404],
    })
    this.#tagged.delete(name)
  }

  /** The server's own affair: it does so after each commit, by the table's properties. */
  async forgetOldVersions(): Promise<void> {}

  #tables(name?: string): string {
    const tables = `${this.#root}/${encodeURIComponent(this.namespace)}/tables`
    return name === undefined ? tables : `${tables}/${encodeURIComponent(name)}`
  }

  async #createNamespace(name: string, refused: RestAnswer): Promise<void> {
    if (typeOf(refused) !== 'NoSuchNamespaceException') throw conflict(name, saidBy(refused))
    const properties = { location: `${this.#storage.url}/${this.namespace}` }
    await this.#change(name, `the creation of namespace ${this.namespace}`, {
      method: 'POST',
      path: this.#root,
      body: formatJson({ namespace: [this.namespace], properties }),
      accepts: [409],
    })
  }

  async #change(name: string, what: string, request: RestRequest): Promise<RestAnswer> {
    try {
      return await this.#client.request(request)
    } catch (error) {
      throw error instanceof NoAnswer ? unknownOutcome(name, what, error) : error
    }
  }

  /** After a lost answer: the table, when the commit is in it. */
  async #lookFor(name: string, commit: CommitRequest, error: NoAnswer): Promise<TableVersion> {
    const found = await this.#look(name)
    if (found !== undefined && commit.isIn(found.metadata)) return found
    throw unknownOutcome(name, `the commit to ${name} at ${this.#client.url}`, error)
  }

  /** The table; undefined also when nobody answers. */
  #look(name: string): Promise<TableVersion | undefined> {
    return this.loadTable(name).catch(() => undefined)
  }
}

function versionOf(name: string, { body }: RestAnswer): TableVersion {
  const answer = body as { metadata: unknown; 'metadata-location': string }
  const metadataLocation = answer['metadata-location']
  try {
    return { name, metadata: completeMetadata(answer.metadata), metadataLocation, version: metadataLocation }
  } catch (error) {
    throw damaged(name, metadataLocation, error)
  }
}
