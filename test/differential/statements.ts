/**
 * The statements of the comparison with Trino: `statements/*.sql`, one per paragraph. A paragraph begins with a comment that says what it is
 * about and names it; a statement runs in the session that the statements of its file before it have left.
 *
 *   -- (approximately) standard deviations          values of type double may differ in their last digits
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface Statement {
  /** `file: what it is about`; unique. */
  name: string
  file: string
  sql: string
  /** Of the SQL text; answers are recorded under it. */
  hash: string
  /** An ORDER BY of the whole statement: rows come in this order. */
  ordered: boolean
  approximate: boolean
}

const DIRECTORY = join(import.meta.dirname, 'statements')

export function readStatements(): Statement[] {
  const files = readdirSync(DIRECTORY).filter((name) => name.endsWith('.sql'))
  return files
    .sort()
    .flatMap((name) => parseFile(basename(name, '.sql'), readFileSync(join(DIRECTORY, name), 'utf8')))
}

function parseFile(file: string, text: string): Statement[] {
  return text
    .split(/\n[ \t]*\n/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => {
      const [first, ...rest] = paragraph.split('\n') as [string, ...string[]]
      const about = /^-- (\(approximately\) )?(.+)$/.exec(first)
      const sql = rest.join('\n').replace(/;$/, '')
      if (!about || sql === '')
        throw new Error(`${file}.sql: a paragraph without a comment or a statement:\n${paragraph}`)
      const hash = createHash('sha256').update(sql).digest('hex').slice(0, 12)
      const approximate = about[1] !== undefined
      return { name: `${file}: ${about[2]}`, file, sql, hash, ordered: hasOuterOrder(sql), approximate }
    })
}

/** True when ORDER BY stands outside of parentheses, strings and comments. */
function hasOuterOrder(sql: string): boolean {
  const plain = sql.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--.*$|\/\*[\s\S]*?\*\//gm, ' ')
  let text = plain
  for (;;) {
    const flat = text.replaceAll(/\([^()]*\)/g, ' ')
    if (flat === text) return /\border\s+by\b/i.test(text)
    text = flat
  }
}
