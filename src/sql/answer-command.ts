import { isLandfallError, LandfallError } from '../base/errors.ts'
import { CATALOG, type Command, matchesLike, SCHEMA } from './commands.ts'
import type { QueryResult, SqlEngine } from './sql.ts'
import { lineColumnAt } from './text.ts'

/** Answers SHOW, DESCRIBE and USE from what an engine says of its tables, in the shapes that Trino has for them. */
export async function answerCommand(
  engine: Pick<SqlEngine, 'listTables' | 'describe'>,
  command: Exclude<Command, { kind: 'explain' }>,
  sql: string,
): Promise<QueryResult> {
  switch (command.kind) {
    case 'show-catalogs':
      return textResult(['Catalog'], rowsLike([CATALOG], command.like))
    case 'show-schemas':
      return textResult(['Schema'], rowsLike([SCHEMA], command.like))
    case 'show-tables':
      return textResult(['Table'], rowsLike(await engine.listTables(), command.like))
    case 'use':
      return {
        ...textResult([], []),
        updateType: 'USE',
        sessionChange: { catalog: CATALOG, schema: SCHEMA },
      }
    case 'describe': {
      const columns = await engine.describe(command.table).catch((error: unknown) => {
        throw isLandfallError(error) ? withPlace(error, sql, command.at) : error
      })
      const rows = columns.map(({ name, type }) => [name, type, '', ''])
      return textResult(['Column', 'Type', 'Extra', 'Comment'], rows)
    }
  }
}

function rowsLike(names: string[], like: string | undefined): string[][] {
  return names.filter((name) => matchesLike(name, like)).map((name) => [name])
}

/** An answer of texts that is there already. */
export function textResult(names: string[], rows: string[][]): QueryResult {
  return {
    columns: names.map((name) => ({ name, type: 'varchar' })),
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
