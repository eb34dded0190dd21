import { isLandfallError, LandfallError } from '../../../base/errors.ts'
import { CATALOG, SCHEMA } from '../../commands.ts'
import { lineColumnAt, type Token, tokens } from '../../text.ts'

export interface Unqualified {
  /** The text with blanks where `hive.default.` or `default.` stood: every place in it is what it was. */
  sql: string
  /** Byte offsets of the names that had been qualified. */
  qualified: ReadonlySet<number>
}

/** Schemas by which a qualified name is recognised: `a.b` may as well be a column. */
const QUALIFIERS = new Set([SCHEMA, 'information_schema', 'jdbc', 'metadata', 'runtime'])

/**
 * Puts in the place of a qualified name (`hive.default.purchases`, `information_schema.tables`) the one word that stands for its
 * relation, with blanks for the rest; `default` unquoted is a reserved word to DuckDB's parser. What comes out is parsed and
 * checked like any text, so nothing here is trusted. `resolve` throws for a name that means nothing.
 */
export function unqualify(sql: string, resolve: (parts: string[]) => string): Unqualified {
  const all = [...tokens(sql)]
  const qualified: number[] = []
  let text = sql
  for (let i = 0; i < all.length; i++) {
    if (isDot(all[i - 1])) continue
    const catalogs = [CATALOG, 'system'].some((name) => isName(all[i], name)) && isDot(all[i + 1]) ? 1 : 0
    const schema = all[i + 2 * catalogs]
    if (!isWord(schema) || !QUALIFIERS.has(schema.text.toLowerCase()) || !isDot(all[i + 2 * catalogs + 1]))
      continue
    const last = i + 2 * catalogs + 2
    const name = all[last]
    if (!isWord(name)) continue
    const parts = catalogs === 0 ? [schema.text, name.text] : [all[i]!.text, schema.text, name.text]
    const word =
      schema.text.toLowerCase() === SCHEMA ? undefined : resolved(resolve, parts, sql, all[i]!.start)
    const start = all[i]!.start
    if (word === undefined) {
      text = text.slice(0, start) + blank(sql.slice(start, name.start)) + text.slice(name.start)
      qualified.push(Buffer.byteLength(sql.slice(0, name.start)))
    } else {
      // The word is never longer than the name it stands for.
      text = text.slice(0, start) + word.padEnd(name.end - start) + text.slice(name.end)
      qualified.push(Buffer.byteLength(sql.slice(0, start)))
    }
    i = last - 1
  }
  return { sql: text, qualified: new Set(qualified) }
}

function resolved(resolve: (parts: string[]) => string, parts: string[], sql: string, at: number): string {
  try {
    return resolve(parts)
  } catch (error) {
    if (!isLandfallError(error)) throw error
    const options = {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      details: { ...lineColumnAt(sql, at) },
    }
    throw new LandfallError(error.kind, error.code, error.message, options)
  }
}

function isWord(token: Token | undefined): token is Token {
  return token?.kind === 'word' || token?.kind === 'quoted'
}

function isName(token: Token | undefined, name: string): boolean {
  return isWord(token) && token.text.toLowerCase() === name
}

function isDot(token: Token | undefined): boolean {
  return token?.kind === 'symbol' && token.text === '.'
}

/** As many bytes of blanks; a comment between the parts may hold characters of more than one byte, so it stays. */
function blank(part: string): string {
  // Only ASCII is replaced: lengths in characters and in bytes both stay.
  return part.replace(/\/\*[^]*?\*\/|--[^\n]*|[^\s]/g, (piece) => (piece.length > 1 ? piece : ' '))
}
