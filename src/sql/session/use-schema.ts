import { LandfallError } from '../../base/errors.ts'
import { CATALOG } from '../commands.ts'
import type { QueryOptions, SessionChange, SqlEngine } from '../sql.ts'
import { nearestName, quoteIdentifier } from '../text.ts'
import type { SessionQueryOptions } from './run-in-session.ts'

/** What USE changes, once it is known that the schema is there. */
export async function useSchema(
  engine: SqlEngine,
  name: string[],
  options: SessionQueryOptions,
): Promise<SessionChange> {
  const parts = name.map((part) => part.toLowerCase())
  const schema = parts.at(-1)!
  const catalog = parts.length === 2 ? parts[0]! : (options.session.catalog ?? CATALOG)
  const there = await firstColumn(engine, 'SHOW CATALOGS', options)
  if (!there.includes(catalog)) {
    const hint = `There is ${there.join(' and ')}`
    throw new LandfallError('fix-request', 'sql/unknown-catalog', `Catalog '${catalog}' not found`, { hint })
  }
  const schemas = await firstColumn(engine, `SHOW SCHEMAS FROM ${quoteIdentifier(catalog)}`, options)
  if (!schemas.includes(schema)) {
    const near = nearestName(schema, schemas)
    const hint = near === undefined ? `There is ${schemas.join(', ')}` : `Did you mean ${near}?`
    throw new LandfallError('fix-request', 'sql/not-found', `Schema does not exist: ${catalog}.${schema}`, {
      hint,
    })
  }
  return { schema, ...(parts.length === 2 ? { catalog } : {}) }
}

async function firstColumn(engine: SqlEngine, sql: string, options: SessionQueryOptions): Promise<string[]> {
  const rows: string[] = []
  const { pages } = await engine.query(sql, quietly(options))
  for await (const page of pages) rows.push(...page.map((row) => String(row[0])))
  return rows
}

/** For what is asked on the way: how far that is tells nothing of the statement. */
function quietly({ signal, session }: SessionQueryOptions): QueryOptions {
  return { session, ...(signal ? { signal } : {}) }
}
