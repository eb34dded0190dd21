/** From the relations that a statement names to the SELECTs behind them: pinned tables, views, files, computed rows. */
import { createHash } from 'node:crypto'
import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import type { Lake, TableState } from '../../../lake/lake.ts'
import type { ReferenceDefinition, ViewDefinition } from '../../../model/pipeline.ts'
import { trinoTypeOf } from '../../column-type.ts'
import { CATALOGS } from '../../names/catalogs.ts'
import type { Contents, Entry, QueryInfo } from '../../names/contents.ts'
import { LEDGER, LEDGER_COLUMNS, type LedgerParts, ledgerTable } from '../../names/ledger-table.ts'
import { Namespace, type Resolved } from '../../names/namespace.ts'
import type { Freshness, ResultColumn } from '../../sql.ts'
import { quoteIdentifier } from '../../text.ts'
import type { CheckedText } from './checked-statements.ts'
import type { Relations } from './connections.ts'
import type { RunText } from './executor.ts'
import type { PinnedQuery, Pinner, WantedTable } from './pin.ts'
import { referenceSql } from './reference.ts'
import { inRelation, relationSql, shapeOf } from './relation.ts'
import { rowsSql } from './rows-sql.ts'
import { atVersion } from './snapshots.ts'

/** What the pipeline file adds to the tables. Files are absolute. */
export interface NamedDefinitions {
  views: readonly ViewDefinition[]
  reference: readonly ReferenceDefinition[]
}

export interface NamedRelationsParts {
  lake: Lake
  pinner: Pinner
  named: NamedDefinitions
  /** Absent: there is no relation `ledger`. */
  ledger?: LedgerParts
  queries: () => QueryInfo[]
  /** Checks a view's text. */
  check: (sql: string, path: readonly string[]) => Promise<CheckedText>
  /** Columns that a checked statement would have. */
  columnsOf: (text: RunText, relations: Relations) => Promise<ResultColumn[]>
}

/** Everything a statement reads, fixed. `release` lets go of the files. */
export interface PreparedRelations {
  /** In an order in which each reads only those before it. */
  relations: Relations
  /** Equal whenever all of them have equal columns. */
  shape: string
  freshness: Freshness
  /** Files of tables. */
  splits: number
  release(): void
}

export class NamedRelations {
  readonly #parts: NamedRelationsParts
  readonly #views: ReadonlyMap<string, ViewDefinition>
  readonly #reference: ReadonlyMap<string, ReferenceDefinition>

  constructor(parts: NamedRelationsParts) {
    this.#parts = parts
    this.#views = new Map(parts.named.views.map((view) => [view.name, view]))
    this.#reference = new Map(parts.named.reference.map((reference) => [reference.name, reference]))
  }

  async #entries(): Promise<Entry[]> {
    const entries: Entry[] = [
      ...(await this.#parts.lake.listTables()).map((name) => ({ name, kind: 'table' as const })),
      ...Array.from(this.#views.keys(), (name) => ({ name, kind: 'view' as const })),
      ...Array.from(this.#reference.keys(), (name) => ({ name, kind: 'reference' as const })),
      ...(this.#parts.ledger ? [{ name: LEDGER, kind: 'ledger' as const }] : []),
    ]
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The names as of now. */
  async namespace(): Promise<Namespace> {
    return new Namespace(await this.#entries())
  }

  async contents(signal: AbortSignal): Promise<Contents> {
    const { lake, queries } = this.#parts
    const entries = await this.#entries()
    return {
      catalogs: CATALOGS,
      entries,
      columns: ({ name, kind }) => this.#columnsOrNone(name, kind, signal),
      viewSql: (name) => this.#views.get(name)!.sql,
      state: (table) => lake.load(table),
      files: (state) => lake.files(state),
      queries,
    }
  }

  /** Columns of whatever a name means. Throws what is wrong with a view. */
  async columns(
    resolved: Pick<Resolved, 'id' | 'kind'> | Resolved,
    signal: AbortSignal,
    path: readonly string[] = [],
  ): Promise<readonly ResultColumn[]> {
    const { id, kind } = resolved
    if (kind === 'table') return columnsOf(await this.#state(id))
    if ('of' in resolved && resolved.kind === 'version')
      return columnsOf(atVersion(await this.#state(resolved.of), resolved.version).state)
    if (kind === 'ledger') return LEDGER_COLUMNS
    if ('table' in resolved && resolved.kind === 'metadata') return resolved.table.columns
    if ('table' in resolved && resolved.kind === 'table-metadata')
      return resolved.table.columns(await this.#state(resolved.of))
    const prepared = await this.prepare([resolved as Resolved], signal, path)
    try {
      const text = { sql: `SELECT * FROM ${quoteIdentifier(id)}`, place: () => undefined }
      return await this.#parts.columnsOf(text, prepared.relations)
    } finally {
      prepared.release()
    }
  }

  /** A view that does not work must not hide all the others. */
  async #columnsOrNone(
    name: string,
    kind: Entry['kind'],
    signal: AbortSignal,
  ): Promise<readonly ResultColumn[]> {
    try {
      return await this.columns({ id: name, kind } as Resolved, signal)
    } catch (error) {
      if (isLandfallError(error) && error.kind !== 'bug' && !signal.aborted) return []
      throw error
    }
  }

  /** Throws `sql/unknown-table` when a table is gone, and what is wrong with a view or a file. */
  async prepare(
    wanted: readonly Resolved[],
    signal: AbortSignal,
    path: readonly string[] = [],
  ): Promise<PreparedRelations> {
    const order = new Map<string, Resolved>()
    const views = new Map<string, CheckedText>()
    for (const resolved of wanted) await this.#collect(resolved, order, views, path)
    const tables = [...order.values()].flatMap((each): WantedTable[] => {
      if (each.kind === 'table') return [{ id: each.id, table: each.id }]
      return each.kind === 'version' ? [{ id: each.id, table: each.of, version: each.version }] : []
    })
    const withReading = [...order.values()].some(({ kind }) => kind === 'ledger')
    const pinned = await this.#parts.pinner.pin(tables, signal, withReading)
    try {
      const relations = new Map<string, string>()
      const shapes = Array.from(pinned.tables, ([name, { state }]) => shapeOf(name, state.schema))
      for (const [id, resolved] of order) {
        const view = views.get(id)
        // DuckDB remembers a view's columns: it is made anew whenever a table below it has others.
        const select = view
          ? `${view.text.sql}\n-- ${createHash('sha256').update(shapes.join('\n')).digest('hex')}`
          : await this.#select(resolved, pinned, signal)
        if (resolved.kind === 'reference') shapes.push(select)
        relations.set(id, select)
      }
      const splits = Array.from(pinned.tables.values()).reduce(
        (sum, { locations }) => sum + locations.length,
        0,
      )
      return {
        relations,
        shape: shapes.join('\n'),
        freshness: pinned.freshness,
        splits,
        release: pinned.release,
      }
    } catch (error) {
      pinned.release()
      throw error
    }
  }

  /** Depth first, so that a view comes behind what it reads. */
  async #collect(
    resolved: Resolved,
    order: Map<string, Resolved>,
    views: Map<string, CheckedText>,
    path: readonly string[],
  ): Promise<void> {
    const { id, kind } = resolved
    if (order.has(id)) return
    if (path.includes(id)) {
      const circle = [...path.slice(path.indexOf(id)), id].join(' → ')
      throw new LandfallError('fix-request', 'sql/invalid-view', `View '${id}' reads itself: ${circle}`, {
        hint: 'Mend the views of the pipeline file',
      })
    }
    if (kind === 'view') {
      const checked = await this.#parts
        .check(this.#views.get(id)!.sql, [...path, id])
        .catch((error: unknown) => {
          throw inRelation(id, error)
        })
      for (const read of checked.relations) await this.#collect(read, order, views, [...path, id])
      views.set(id, checked)
    }
    order.set(id, resolved)
  }

  async #select(resolved: Resolved, pinned: PinnedQuery, signal: AbortSignal): Promise<string> {
    switch (resolved.kind) {
      case 'table':
      case 'version': {
        const { state, locations } = pinned.tables.get(resolved.id)!
        return relationSql(state.metadata, locations)
      }
      case 'reference':
        return referenceSql(this.#reference.get(resolved.id)!)
      case 'ledger':
        return rowsSql(LEDGER_COLUMNS, await ledgerTable(this.#parts.ledger!, pinned.reading!))
      case 'metadata':
        return rowsSql(resolved.table.columns, await resolved.table.rows(await this.contents(signal)))
      case 'table-metadata': {
        const state = await this.#state(resolved.of)
        const files = resolved.table.needsFiles ? await this.#parts.lake.files(state) : []
        return rowsSql(resolved.table.columns(state), resolved.table.rows(state, files))
      }
      case 'view':
        throw new Error(`view ${resolved.id} was not checked`)
    }
  }

  async #state(table: string) {
    const state = await this.#parts.lake.load(table)
    if (!state) throw gone(table)
    return state
  }
}

function columnsOf({ schema }: TableState): ResultColumn[] {
  return schema.fields.map(({ name, type }) => ({ name, type: trinoTypeOf(type) }))
}

function gone(table: string): LandfallError {
  return new LandfallError('fix-request', 'sql/unknown-table', `Table '${table}' does not exist any more`)
}
