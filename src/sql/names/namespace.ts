/** Which names exist: from a name as it is written to the relation that it means. */
import { LandfallError } from '../../base/errors.ts'
import { CATALOG, SCHEMA } from '../commands.ts'
import { nearestName } from '../text.ts'
import { CATALOGS } from './catalogs.ts'
import type { Entry, EntryKind } from './contents.ts'
import type { MetadataTable } from './metadata-table.ts'
import { TABLE_METADATA, type TableMetadataTable } from './table-metadata.ts'

export type Resolved = {
  catalog: string
  schema: string
  name: string
  /** One word for the relation, unlike every other: a table's own name, `information_schema$tables`, `purchases$files`. */
  id: string
} & (
  | { kind: EntryKind }
  | { kind: 'metadata'; table: MetadataTable }
  | { kind: 'table-metadata'; of: string; table: TableMetadataTable }
  /** A table as it was at one of its snapshots: `purchases@123`, or `purchases@'726566'` by the bytes of a reference's name. */
  | { kind: 'version'; of: string; version: Version }
)

/** What `FOR VERSION AS OF` names: a snapshot by its id, or by the name of a reference (a tag, or the branch `main`). */
export type Version = bigint | string

/** Where a name without a catalog or schema is looked up. */
export interface Place {
  catalog?: string | undefined
  schema?: string | undefined
}

const LISTED_MAX = 20

export class Namespace {
  readonly #entries: ReadonlyMap<string, Entry>

  /** `entries`: what `hive.default` holds now. */
  constructor(entries: readonly Entry[]) {
    this.#entries = new Map(entries.map((entry) => [entry.name.toLowerCase(), entry]))
  }

  /**
   * What `parts` (`['hive', 'default', 'purchases']`, as written, without quotes) means. Throws `sql/unknown-catalog`,
   * `sql/unknown-schema` or `sql/unknown-table` without a place in the statement.
   */
  resolve(parts: readonly string[], place: Place = {}): Resolved {
    const name = parts.map((part) => part.toLowerCase())
    if (name.length > 3)
      throw new LandfallError('fix-request', 'sql/syntax', `Too many parts in table name: ${name.join('.')}`)
    const { catalog, schema } = schemaOf(name.slice(0, -1), place)
    const table = name.at(-1)!
    const found = catalog === CATALOG && schema === SCHEMA ? this.#held(table) : fixed(catalog, schema, table)
    if (found === undefined) throw this.#unknown(catalog, schema, table)
    return found
  }

  /** The table that `parts` mean, at a version. Throws as `resolve` does, and `sql/not-supported` for what is no table. */
  resolveVersion(parts: readonly string[], version: Version, place: Place = {}): Resolved {
    const { kind, id } = this.resolve(parts, place)
    const found = kind === 'table' ? this.byId(`${id}@${versionText(version)}`) : undefined
    if (found) return found
    throw new LandfallError('fix-request', 'sql/not-supported', `'${id}' has no versions: it is no table`)
  }

  /** The relation of an `id`. */
  byId(id: string): Resolved | undefined {
    const held = this.#held(id.toLowerCase()) ?? this.#version(id.toLowerCase())
    if (held) return held
    const parts = id.toLowerCase().split('$')
    const [catalog, schema, name] = parts.length === 2 ? [CATALOG, ...parts] : parts
    if (parts.length > 3 || !CATALOGS[catalog!]?.[schema!]) return undefined
    return fixed(catalog!, schema!, name ?? '')
  }

  /** What `hive.default` holds. */
  get names(): string[] {
    return Array.from(this.#entries.values(), ({ name }) => name)
  }

  #held(name: string): Resolved | undefined {
    const home = { catalog: CATALOG, schema: SCHEMA }
    const entry = this.#entries.get(name)
    if (entry) return { ...home, name, id: entry.name, kind: entry.kind }
    const [base = '', suffix = ''] = name.split('$')
    const of = this.#entries.get(base)
    if (!Object.hasOwn(TABLE_METADATA, suffix) || of?.kind !== 'table' || name !== `${base}$${suffix}`)
      return undefined
    return {
      ...home,
      name,
      id: `${of.name}$${suffix}`,
      kind: 'table-metadata',
      of: of.name,
      table: TABLE_METADATA[suffix]!,
    }
  }

  #version(name: string): Resolved | undefined {
    const [, base, snapshot, reference] = /^(.+)@(?:(\d{1,19})|'([0-9a-f]*)')$/.exec(name) ?? []
    const of = this.#entries.get(base ?? '')
    if (of?.kind !== 'table') return undefined
    const version = snapshot === undefined ? Buffer.from(reference!, 'hex').toString() : BigInt(snapshot)
    const id = `${of.name}@${versionText(version)}`
    const home = { catalog: CATALOG, schema: SCHEMA }
    return { ...home, name: of.name, id, kind: 'version', of: of.name, version }
  }

  #unknown(catalog: string, schema: string, table: string): LandfallError {
    const held = catalog === CATALOG && schema === SCHEMA
    const known = held ? this.names : Object.keys(CATALOGS[catalog]![schema]!)
    const message = `Table '${catalog}.${schema}.${table}' does not exist`
    return new LandfallError('fix-request', 'sql/unknown-table', message, {
      hint: nearestOf(table, known, 'There are no tables yet'),
    })
  }
}

/** Names of references know upper and lower case, ids of relations do not. */
function versionText(version: Version): string {
  return typeof version === 'bigint' ? String(version) : `'${Buffer.from(version).toString('hex')}'`
}

function fixed(catalog: string, schema: string, name: string): Resolved | undefined {
  const tables = CATALOGS[catalog]![schema]!
  if (!Object.hasOwn(tables, name)) return undefined
  const id = catalog === CATALOG ? `${schema}$${name}` : `${catalog}$${schema}$${name}`
  return { catalog, schema, name, id, kind: 'metadata', table: tables[name]! }
}

/** The catalog and schema that a qualifier of none, one or two parts means. Throws when they do not exist. */
export function schemaOf(
  qualifier: readonly string[],
  place: Place = {},
): { catalog: string; schema: string } {
  const [first, second] = qualifier
  const catalog = (second === undefined ? (place.catalog ?? CATALOG) : first!).toLowerCase()
  checkCatalog(catalog)
  const schema = (
    second ??
    first ??
    place.schema ??
    (catalog === CATALOG ? SCHEMA : undefined)
  )?.toLowerCase()
  const schemas = CATALOGS[catalog]!
  if (schema === undefined) {
    const hint = `There are: ${Object.keys(schemas).join(', ')}`
    throw new LandfallError(
      'fix-request',
      'sql/missing-schema',
      'Schema must be specified when session schema is not set',
      { hint },
    )
  }
  if (!Object.hasOwn(schemas, schema)) {
    throw new LandfallError('fix-request', 'sql/unknown-schema', `Schema '${schema}' does not exist`, {
      hint: nearestOf(schema, Object.keys(schemas)),
    })
  }
  return { catalog, schema }
}

export function checkCatalog(catalog: string): void {
  if (Object.hasOwn(CATALOGS, catalog)) return
  throw new LandfallError('fix-request', 'sql/unknown-catalog', `Catalog '${catalog}' not found`, {
    hint: nearestOf(catalog, Object.keys(CATALOGS)),
  })
}

function nearestOf(name: string, known: readonly string[], none = ''): string {
  const near = nearestName(name, known)
  if (near !== undefined) return `Did you mean ${near}?`
  return known.length === 0 ? none : `There are: ${known.toSorted().slice(0, LISTED_MAX).join(', ')}`
}
