/**
 * Trino's grammar, run by ANTLR: text in, syntax tree out. The generated parser comes with `dt-sql-parser`; of that package only
 * its Trino grammar is loaded.
 */
import { registerHooks } from 'node:module'
import type { ParserATNSimulator, ParserRuleContext, ParseTree, Token } from 'antlr4ng'
import { isLandfallError, LandfallError } from '../../../../base/errors.ts'
import { lineColumnAt } from '../../../text.ts'
import { refuseOpenComment } from './open-comment.ts'
import type { SyntaxNode } from './syntax-tree.ts'

export interface TrinoGrammar {
  /** The tree of the one statement that a text holds. Throws `sql/syntax` with the place, `sql/too-complex` for what would take too long. */
  parse(sql: string): SyntaxNode
}

const TOKENS_MAX = 60_000
/** Levels of parentheses and brackets. The parser looks ahead over each, again and again. */
const DEPTH_MAX = 100
/**
 * Looks at tokens per token, beyond which a text is one that the parser would take exponentially long for; statements that people
 * write need 3. What a look costs depends on the nesting, so the time is bounded too: nothing else runs meanwhile. It is the time
 * that the processor spends on it: on a busy machine no statement becomes too complex.
 */
const LOOKS_PER_TOKEN_MAX = 60
const LOOKS_FREE = 10_000
const PARSE_MS_MAX = 1000
/** States that the parser learns, up to 70 kB each; the 500 statements of the differential test make it learn 2,100. */
const LEARNT_MAX = 4000
const LEARNT_AT_ONCE_MAX = 1000
const FOUND_MAX = 40

let loaded: Promise<TrinoGrammar> | undefined

/** Loads the parser at the first call, in about a tenth of a second. */
export function loadTrinoGrammar(): Promise<TrinoGrammar> {
  loaded ??= load()
  return loaded
}

async function load(): Promise<TrinoGrammar> {
  // The package's modules name each other without endings, which Node does not resolve.
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const inside = specifier.startsWith('.') && context.parentURL?.includes('/dt-sql-parser/')
      return next(inside && !specifier.endsWith('.js') ? `${specifier}.js` : specifier, context)
    },
  })
  try {
    const antlr = await import('antlr4ng')
    const { TrinoSqlLexer } = await import('dt-sql-parser/dist/lib/trino/TrinoSqlLexer.js')
    const { TrinoSqlParser } = await import('dt-sql-parser/dist/lib/trino/TrinoSqlParser.js')
    return createGrammar(antlr, TrinoSqlLexer, TrinoSqlParser)
  } finally {
    hooks.deregister()
  }
}

type Antlr = typeof import('antlr4ng')
type LexerClass = typeof import('dt-sql-parser/dist/lib/trino/TrinoSqlLexer.js').TrinoSqlLexer
type ParserClass = typeof import('dt-sql-parser/dist/lib/trino/TrinoSqlParser.js').TrinoSqlParser

function createGrammar(antlr: Antlr, Lexer: LexerClass, Parser: ParserClass): TrinoGrammar {
  /** States that the parser has learnt: all parsers of a class share them. */
  let learnt = 0

  /** Counts how often the parser moves on, ahead or for good. */
  class BoundedTokens extends antlr.CommonTokenStream {
    looksLeft = LOOKS_FREE
    readonly #until = threadMs() + PARSE_MS_MAX

    override consume(): void {
      // At every look: between two of them a text of nested subqueries can take a second, and the glance takes a microsecond.
      if (this.looksLeft-- < 0 || threadMs() > this.#until) throw tooComplex()
      super.consume()
    }
  }

  function run(sql: string, full: boolean): SyntaxNode {
    const indexOf = codePointIndexes(sql)
    const lexer = new Lexer(antlr.CharStreams.fromString(sql))
    lexer.removeErrorListeners()
    const tokens = new BoundedTokens(lexer)
    tokens.fill()
    if (tokens.getTokens().length > TOKENS_MAX || depthOf(tokens.getTokens()) > DEPTH_MAX) throw tooComplex()
    tokens.looksLeft += LOOKS_PER_TOKEN_MAX * tokens.getTokens().length
    const parser = new Parser(tokens)
    parser.removeErrorListeners()
    parser.interpreter.predictionMode = full ? antlr.PredictionMode.LL : antlr.PredictionMode.SLL
    parser.addErrorListener({
      syntaxError(_recognizer: unknown, token: unknown) {
        throw syntaxError(sql, token as Token, indexOf)
      },
      reportAmbiguity() {},
      reportAttemptingFullContext() {},
      reportContextSensitivity() {},
    } as unknown as Parameters<typeof parser.addErrorListener>[0])
    try {
      const statement = parser.singleStatement()
      const next = tokens.get(parser.getCurrentToken().tokenIndex)
      if (next.type !== -1) throw syntaxError(sql, next, indexOf)
      return plain(statement, indexOf)
    } catch (error) {
      throw error instanceof RangeError ? tooComplex() : error
    } finally {
      learnt = forgetMuch(parser.interpreter, learnt)
    }
  }

  return {
    parse(sql) {
      refuseOpenComment(sql)
      // The fast way takes a few statements for wrong: those are read again with full context.
      try {
        return run(sql, false)
      } catch (error) {
        if (!isLandfallError(error, 'sql/syntax')) throw error
        return run(sql, true)
      }
    },
  }
}

/**
 * What the parser learns of one text helps with the next, and stays for ever. But texts can be made so that it learns without end: what
 * is too much, at once or in all, is forgotten.
 */
function forgetMuch(parser: ParserATNSimulator, learntBefore: number): number {
  let learnt = 0
  for (const { states } of parser.decisionToDFA) learnt += states.length
  if (learnt - learntBefore < LEARNT_AT_ONCE_MAX && learnt < LEARNT_MAX) return learnt
  parser.clearDFA()
  return 0
}

/** Milliseconds that the processor has spent on this thread. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function depthOf(tokens: readonly Token[]): number {
  let depth = 0
  let deepest = 0
  for (const { text } of tokens) {
    if (text === '(' || text === '[') deepest = Math.max(deepest, ++depth)
    else if (text === ')' || text === ']') depth--
  }
  return deepest
}

function tooComplex(): LandfallError {
  return new LandfallError('fix-request', 'sql/too-complex', 'the statement has too many parts', {
    hint: `At most ${TOKENS_MAX} words and signs, and fewer levels of nesting`,
  })
}

function syntaxError(sql: string, token: Token, indexOf: (point: number) => number): LandfallError {
  const at = indexOf(token.start)
  const ended = token.type === -1
  const text = token.text ?? ''
  const found = ended ? 'the end' : `'${text.length > FOUND_MAX ? `${text.slice(0, FOUND_MAX)}…` : text}'`
  const before = sql.slice(0, at).trimEnd()
  const behind = before === '' ? '' : ` behind '${/[^\s]{1,40}$/u.exec(before)?.[0] ?? ''}'`
  const message = `mismatched input ${found}${behind}`
  const details = { ...lineColumnAt(sql, ended ? sql.length : at) }
  return new LandfallError('fix-request', 'sql/syntax', message, { details })
}

/** ANTLR counts code points. */
function codePointIndexes(sql: string): (point: number) => number {
  if (!/[\ud800-\udbff]/.test(sql)) return (point) => point
  const indexes: number[] = []
  let index = 0
  for (const character of sql) {
    indexes.push(index)
    index += character.length
  }
  return (point) => indexes[point] ?? sql.length
}

/** Rules that the package's grammar has beside Trino's own: their parts stand in the rule around them. */
const SPLICED = new Set([
  'selectList',
  'selectLiteralColumnName',
  'selectExpressionColumnName',
  'whereClause',
  'havingClause',
  'partitionBy',
  'expressionSourceTable',
])
/** Rules by Trino's names for them. */
const RENAMED: Record<string, string> = {
  queryStatement: 'query',
  selectItem: 'selectSingle',
  selectAllWithoutTable: 'selectAll',
  tableAllColumns: 'selectAll',
  listAgg: 'listagg',
}

function plain(tree: ParseTree, indexOf: (point: number) => number): SyntaxNode {
  const token = (tree as { symbol?: Token }).symbol
  if (token) {
    const text = token.type === -1 ? '' : (token.text ?? '')
    return { rule: '', text, start: indexOf(token.start), end: indexOf(token.stop + 1), parts: [] }
  }
  const context = tree as ParserRuleContext
  const parts = (context.children ?? []).flatMap((child) => {
    const made = plain(child, indexOf)
    const star = made.rule === 'selectSingle' && made.parts[0]?.rule === 'selectAll'
    return star || SPLICED.has(made.rule) ? made.parts : [made]
  })
  const name = context.constructor.name.replace(/Context$/, '')
  const own = name.charAt(0).toLowerCase() + name.slice(1)
  const rule = RENAMED[own] ?? own
  return { rule, text: '', start: parts[0]?.start ?? 0, end: parts.at(-1)?.end ?? 0, parts }
}
