import { isLandfallError, LandfallError } from '../base/errors.ts'
import { type Command, type ExplainCommand, type Like, matchesLike, type WrittenName } from './commands.ts'
import type { Contents } from './names/contents.ts'
import { listRelations, listSchemas } from './names/listed.ts'
import { checkCatalog, type Namespace, type Place, type Resolved, schemaOf } from './names/namespace.ts'
import { createSchemaText, createTableText, createViewText } from './names/show-create.ts'
import { STATS_COLUMNS, statsRows } from './names/show-stats.ts'
import type { QueryResult, ResultColumn, Value } from './sql.ts'
import { lineColumnAt } from './text.ts'
import { listedType } from './trino-types.ts'

/** What the answers of commands are made of. */
export interface Shown {
  contents: Contents
  namespace: Namespace
  /** Columns of whatever a name means. */
  columns(resolved: Resolved): Promise<readonly ResultColumn[]>
  functions(): Promise<Value[][]>
}

const FUNCTION_COLUMNS: ResultColumn[] = [
  ...['Function', 'Return Type', 'Argument Types', 'Function Type'].map((name) => ({
    name,
    type: 'varchar',
  })),
  { name: 'Deterministic', type: 'boolean' },
  { name: 'Description', type: 'varchar' },
]
const GRANTS = 'Grantor,Grantor Type,Grantee,Grantee Type,Catalog,Schema,Table,Privilege,Grantable'.split(',')

/** Answers SHOW, DESCRIBE and USE in the shapes that Trino has for them. */
export async function answerCommand(
  shown: Shown,
  command: Exclude<Command, ExplainCommand>,
  sql: string,
  place: Place,
): Promise<QueryResult> {
  try {
    return await answer(shown, command, place)
  } catch (error) {
    const of = 'of' in command ? command.of : 'from' in command ? command.from : undefined
    throw of && isLandfallError(error) && error.details?.['line'] === undefined
      ? withPlace(error, sql, of.at)
      : error
  }
}

async function answer(
  { contents, namespace, columns, functions }: Shown,
  command: Exclude<Command, ExplainCommand>,
  place: Place,
): Promise<QueryResult> {
  switch (command.kind) {
    case 'show-catalogs':
      return textResult(['Catalog'], rowsLike(Object.keys(contents.catalogs), command))
    case 'show-schemas':
      return textResult(['Schema'], rowsLike(listSchemas(contents, catalogOf(command.from, place)), command))
    case 'show-tables': {
      const { catalog, schema } = schemaOf(command.from?.name ?? [], place)
      const there = listRelations(contents, catalog).filter((relation) => relation.schema === schema)
      return textResult(['Table'], rowsLike(there.map(({ name }) => name).toSorted(), command))
    }
    case 'show-functions': {
      const rows = (await functions()).filter(([name]) =>
        matchesLike(String(name), command.like, command.escape),
      )
      return rowsResult(FUNCTION_COLUMNS, rows)
    }
    case 'use': {
      const { catalog, schema } = schemaOf(command.of.name, place)
      return { ...textResult([], []), updateType: 'USE', sessionChange: { catalog, schema } }
    }
    case 'describe': {
      const found = await columns(namespace.resolve(command.of.name, place))
      const rows = found
        .filter(({ name }) => matchesLike(name, command.like, command.escape))
        .map(({ name, type }) => [name, listedType(type), '', ''])
      return textResult(['Column', 'Type', 'Extra', 'Comment'], rows)
    }
    case 'show-create':
      return showCreate(contents, namespace, columns, command, place)
    case 'show-stats': {
      const { id, kind } = namespace.resolve(command.of.name, place)
      const state = kind === 'table' ? await contents.state(id) : undefined
      if (!state)
        throw new LandfallError(
          'fix-request',
          'sql/not-supported',
          `There are no statistics of '${id}', which is no table`,
        )
      return rowsResult(STATS_COLUMNS, statsRows(state, await contents.files(state)))
    }
    case 'show-roles':
      return textResult(['Role'], [])
    case 'show-role-grants':
      return textResult(['Role Grants'], [])
    case 'show-grants':
      return textResult(GRANTS, [])
  }
}

function catalogOf(from: WrittenName | undefined, place: Place): string {
  const catalog = (
    from?.name.join('.') ?? schemaOf([], { catalog: place.catalog, schema: 'information_schema' }).catalog
  ).toLowerCase()
  checkCatalog(catalog)
  return catalog
}

async function showCreate(
  contents: Contents,
  namespace: Namespace,
  columns: Shown['columns'],
  { what, of }: Extract<Command, { kind: 'show-create' }>,
  place: Place,
): Promise<QueryResult> {
  if (what === 'schema') {
    const { catalog, schema } = schemaOf(
      of.name.length === 1 ? [place.catalog ?? 'hive', of.name[0]!] : of.name,
      place,
    )
    return textResult(['Create Schema'], [[createSchemaText(catalog, schema)]])
  }
  const resolved = namespace.resolve(of.name, place)
  const isView = resolved.kind === 'view'
  if (isView !== (what === 'view')) {
    const message = `Relation '${resolved.catalog}.${resolved.schema}.${resolved.name}' is a ${isView ? 'view' : 'table'}, not a ${what}`
    throw new LandfallError('fix-request', 'sql/not-supported', message, {
      hint: `Use SHOW CREATE ${isView ? 'VIEW' : 'TABLE'}`,
    })
  }
  if (isView) return textResult(['Create View'], [[createViewText(resolved, contents.viewSql(resolved.id))]])
  const state = resolved.kind === 'table' ? await contents.state(resolved.id) : undefined
  return textResult(['Create Table'], [[createTableText(resolved, await columns(resolved), state)]])
}

function rowsLike(names: readonly string[], { like, escape }: Like): string[][] {
  return names.filter((name) => matchesLike(name, like, escape)).map((name) => [name])
}

/** An answer of texts that is there already. */
export function textResult(names: string[], rows: string[][]): QueryResult {
  return rowsResult(
    names.map((name) => ({ name, type: 'varchar' })),
    rows,
  )
}

export function rowsResult(columns: ResultColumn[], rows: Value[][]): QueryResult {
  return {
    columns,
    pages: (async function* () {
      if (rows.length > 0) yield rows
    })(),
    freshness: { position: undefined, end: undefined, behind: false, batch: 0 },
  }
}

function withPlace(error: LandfallError, sql: string, index: number): LandfallError {
  return new LandfallError(error.kind, error.code, error.message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    details: { ...error.details, ...lineColumnAt(sql, index) },
  })
}
