/** What the parts of the translator share: translated expressions, the names in scope, and refusals. */
import { LandfallError } from '../../../../base/errors.ts'
import type { Version } from '../../../names/namespace.ts'
import type { Fragment } from './fragments.ts'
import type { KnownType } from './sql-type.ts'
import type { SyntaxNode } from './syntax-tree.ts'

export interface Expression {
  text: Fragment
  type: KnownType
  /** A name or a literal: it may be repeated in the text without being computed twice. */
  plain?: boolean
  /** Of a literal text: its value. */
  literal?: string
  /** How many calls and operators it consists of, roughly. */
  weight: number
}

export interface Column {
  name: string
  type: KnownType
}

/** A relation of FROM. Without `columns` nobody knows what it has. */
export interface Relation {
  name: string | undefined
  columns: readonly Column[] | undefined
}

export interface Scope {
  relations: readonly Relation[]
  /** Parameters of lambdas around. */
  variables: ReadonlyMap<string, KnownType>
  /** Queries that a WITH in scope defines. */
  queries: ReadonlyMap<string, readonly Column[] | undefined>
  /** Where a name is looked for that is not here. */
  outer?: Scope
}

export const EMPTY_SCOPE: Scope = { relations: [], variables: new Map(), queries: new Map() }

export interface Query {
  text: Fragment
  columns: readonly Column[] | undefined
}

/** What one translation has at hand; the rules call each other through it. */
export interface Context {
  expression(node: SyntaxNode, scope: Scope): Expression
  query(node: SyntaxNode, scope: Scope): Query
  relation(node: SyntaxNode, scope: Scope): { text: Fragment; relations: Relation[] }
  /** DuckDB's text for a table's name, and its columns where they are known. `version`: as it was at this snapshot. */
  table(
    parts: readonly string[],
    node: SyntaxNode,
    version?: Version,
  ): { text: Fragment; name: string; columns: readonly Column[] | undefined }
  /** A name that stands for nothing else in the statement. */
  fresh(): string
  /** IANA name or offset. */
  timeZone: string
  user: string
}

/** Thrown by rules; becomes an error with line and column where the whole text is known. */
export class Refusal extends Error {
  readonly code: string
  readonly at: number
  readonly hint: string | undefined

  constructor(code: string, message: string, at: number, hint?: string) {
    super(message)
    this.code = code
    this.at = at
    this.hint = hint
  }

  toError(place: object): LandfallError {
    return new LandfallError('fix-request', this.code, this.message, {
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      details: { ...place },
    })
  }
}

export function notSupported(what: string, node: SyntaxNode): Refusal {
  return new Refusal('sql/not-supported', `${what} is not supported`, node.start)
}

export function typeMismatch(message: string, node: SyntaxNode): Refusal {
  return new Refusal('sql/type-mismatch', message, node.start)
}

/** More calls and operators than this in one expression, repeats of arguments counted, is no question that a person asks. */
export const WEIGHT_MAX = 20_000
