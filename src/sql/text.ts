/**
 * The outside of SQL text: tokens, statements separated by `;`, lines and columns. Used for our own small commands (SHOW,
 * DESCRIBE, …), for splitting files and for placing errors. What a statement means is decided by DuckDB's parser alone.
 */
export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'symbol'

export interface Token {
  kind: TokenKind
  /** A quoted identifier or a string without its quotes; everything else as written. */
  text: string
  /** UTF-16 index in the text, and the index behind it. */
  start: number
  end: number
}

const WORD_START = /[\p{L}_$]/u
const WORD = /[\p{L}\p{N}_$]*/uy
const NUMBER = /[0-9][0-9A-Za-z_.]*/y
const BLANK = /\s+/y

function matchAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

/** End of a comment that begins at `at`, or `at`. Block comments nest, as in DuckDB and Postgres. */
function skipComment(text: string, at: number): number {
  if (text.startsWith('--', at)) {
    const end = text.indexOf('\n', at)
    return end < 0 ? text.length : end
  }
  if (!text.startsWith('/*', at)) return at
  let depth = 1
  let i = at + 2
  while (i < text.length && depth > 0) {
    if (text.startsWith('/*', i)) depth++
    else if (text.startsWith('*/', i)) depth--
    else {
      i++
      continue
    }
    i += 2
  }
  return i
}

/** Index behind the closing quote; the text's length when there is none. A doubled quote stands for itself. */
function endOfQuoted(text: string, at: number): number {
  const quote = text[at]!
  let i = at + 1
  for (;;) {
    const close = text.indexOf(quote, i)
    if (close < 0) return text.length
    if (text[close + 1] !== quote) return close + 1
    i = close + 2
  }
}

function quotedToken(text: string, start: number): Token {
  const end = endOfQuoted(text, start)
  const quote = text[start]!
  const closed = end > start + 1 && text[end - 1] === quote
  const inner = text.slice(start + 1, closed ? end - 1 : end).replaceAll(quote + quote, quote)
  return { kind: quote === '"' ? 'quoted' : 'string', text: inner, start, end }
}

/** Tokens from `from` on, without blanks and comments; `;` is a symbol. */
export function* tokens(text: string, from = 0): Generator<Token> {
  let i = from
  while (i < text.length) {
    const start = i
    i = matchAt(BLANK, text, i)
    i = skipComment(text, i)
    if (i > start) continue
    const character = text[i]!
    let token: Token
    if (character === "'" || character === '"') token = quotedToken(text, i)
    else {
      const point = String.fromCodePoint(text.codePointAt(i)!)
      const isWord = WORD_START.test(point)
      const end = isWord
        ? matchAt(WORD, text, i)
        : /[0-9]/.test(point)
          ? matchAt(NUMBER, text, i)
          : i + point.length
      const kind = isWord ? 'word' : /[0-9]/.test(point) ? 'number' : 'symbol'
      token = { kind, text: text.slice(i, end), start: i, end }
    }
    yield token
    i = token.end
  }
}

export interface Statement {
  sql: string
  /** UTF-16 index of `sql` in the whole text. */
  start: number
  /** False for a last statement that no `;` has ended. */
  ended: boolean
}

/** The statements of a text, without their `;`, empty ones left out. */
export function splitStatements(text: string): Statement[] {
  const found: Statement[] = []
  let first: Token | undefined
  let last: Token | undefined
  const take = (ended: boolean) => {
    if (first && last) found.push({ sql: text.slice(first.start, last.end), start: first.start, ended })
    first = last = undefined
  }
  for (const token of tokens(text)) {
    if (token.kind === 'symbol' && token.text === ';') {
      take(true)
      continue
    }
    first ??= token
    last = token
  }
  take(false)
  return found
}

export interface LineColumn {
  /** From 1. */
  line: number
  /** From 1, in code points, as Trino counts. */
  column: number
}

/** Line and column of a UTF-16 index. */
export function lineColumnAt(text: string, index: number): LineColumn {
  const before = text.slice(0, index)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: Array.from(before.slice(lineStart)).length + 1 }
}

/** UTF-16 index of a byte offset in the text's UTF-8, as DuckDB reports places. */
export function indexOfByte(text: string, byte: number): number {
  return Buffer.from(text, 'utf8').subarray(0, byte).toString('utf8').length
}

/** An identifier in double quotes, as any SQL engine reads it. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text in single quotes. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** The candidate that differs least from a name, when it differs little enough to be a slip. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein's distance, or `bound` when it is at least that. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return bound
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
