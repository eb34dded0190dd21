import { CATALOG, SCHEMA } from '../../commands.ts'
import { type Token, tokens } from '../../text.ts'

export interface Unqualified {
  /** The text with blanks where `hive.default.` or `default.` stood: every place in it is what it was. */
  sql: string
  /** Byte offsets of the names that had been qualified. */
  qualified: ReadonlySet<number>
}

/**
 * Takes the leading `hive.default.` or `default.` off names (`hive.default.purchases` → `             purchases`), so that they find
 * the views of their query; `default` unquoted is a reserved word to DuckDB's parser. What comes out is parsed and checked like
 * any text, so nothing here is trusted.
 */
export function unqualify(sql: string): Unqualified {
  const all = [...tokens(sql)]
  const qualified: number[] = []
  let text = sql
  for (let i = 0; i < all.length; i++) {
    if (isDot(all[i - 1])) continue
    const schemaAt = isName(all[i], CATALOG) && isDot(all[i + 1]) ? i + 2 : i
    if (!isName(all[schemaAt], SCHEMA) || !isDot(all[schemaAt + 1])) continue
    const name = all[schemaAt + 2]
    if (name?.kind !== 'word' && name?.kind !== 'quoted') continue
    const start = all[i]!.start
    text = text.slice(0, start) + blank(sql.slice(start, name.start)) + text.slice(name.start)
    qualified.push(Buffer.byteLength(sql.slice(0, name.start)))
    i = schemaAt + 1
  }
  return { sql: text, qualified: new Set(qualified) }
}

function isName(token: Token | undefined, name: string): boolean {
  return (token?.kind === 'word' || token?.kind === 'quoted') && token.text.toLowerCase() === name
}

function isDot(token: Token | undefined): boolean {
  return token?.kind === 'symbol' && token.text === '.'
}

/** As many bytes of blanks; a comment between the parts may hold characters of more than one byte, so it stays. */
function blank(part: string): string {
  // Only ASCII is replaced: lengths in characters and in bytes both stay.
  return part.replace(/\/\*[^]*?\*\/|--[^\n]*|[^\s]/g, (piece) => (piece.length > 1 ? piece : ' '))
}
