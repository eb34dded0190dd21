/**
 * The sandbox: which statements may run. A statement passes when every part of its tree is of a kind listed here, every function
 * is on the allow-list and every relation is a table of the catalog or a name that a WITH in scope defines. What is not known is
 * refused, so a new kind of node in a later DuckDB is refused too.
 */
import { LandfallError } from '../../../base/errors.ts'
import { CATALOG, SCHEMA } from '../../commands.ts'
import { nearestName } from '../../text.ts'
import { unknownTable } from '../../unknown-table.ts'
import type { TranslatedText } from './dialect/translate.ts'
import { placeOf } from './duckdb-errors.ts'
import { ALLOWED_FUNCTIONS, ALLOWED_TABLE_FUNCTIONS, GROWING_FUNCTIONS, GROWTH_MAX } from './functions.ts'
import type { TreeNode } from './parser.ts'

const EXPRESSION_CLASSES = new Set(
  `BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA OPERATOR POSITIONAL_REFERENCE STAR
   SUBQUERY WINDOW`.split(/\s+/),
)

const QUERY_NODES = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE'])
const RELATIONS = new Set(['BASE_TABLE', 'SUBQUERY', 'JOIN', 'TABLE_FUNCTION', 'EXPRESSION_LIST', 'EMPTY'])
const PARTS = /^(ORDER_DEFAULT|ASCENDING|DESCENDING|[A-Z_]+_MODIFIER|[A-Z_]+_TYPE_INFO)$/

/** More queries than this in one statement is no question that a person asks; a chain of 20,000 UNIONs keeps the planner busy for minutes. */
const QUERY_NODES_MAX = 400
const RELATIONS_MAX = 200
const WALK_DEPTH_MAX = 4000

export interface CheckedStatement {
  /** Ids of the relations that the statement reads. */
  tables: Set<string>
}

/** Which relations there are. */
export interface KnownRelations {
  /** Undefined for a name that is none. */
  byId(id: string): { id: string } | undefined
  /** Those to propose for one that is not there. */
  names: readonly string[]
}

/**
 * Checks the tree of a translated statement. Throws `sql/not-allowed`, `sql/unknown-table`,
 * `sql/unknown-schema` or `sql/too-complex`, with the place in the text.
 */
export function checkStatement(
  root: TreeNode,
  text: TranslatedText,
  known: KnownRelations,
): CheckedStatement {
  return new Walk(text, known).check(root)
}

type Scope = ReadonlySet<string>

class Walk {
  readonly #text: TranslatedText
  readonly #known: KnownRelations
  readonly #found: CheckedStatement = { tables: new Set() }
  #queries = 0
  #relations = 0
  #depth = 0

  constructor(text: TranslatedText, known: KnownRelations) {
    this.#text = text
    this.#known = known
  }

  check(root: TreeNode): CheckedStatement {
    this.#visit(root, new Set())
    return this.#found
  }

  #visit(value: unknown, scope: Scope): void {
    if (value === null || typeof value !== 'object') return
    if (++this.#depth > WALK_DEPTH_MAX) throw this.#tooComplex()
    if (Array.isArray(value)) for (const item of value) this.#visit(item, scope)
    else this.#visitNode(value as TreeNode, scope)
    this.#depth--
  }

  #visitNode(node: TreeNode, scope: Scope): void {
    const type = node['type']
    // The value of a constant is data, whatever its keys are.
    if (node['class'] === 'CONSTANT') return
    if (node['class'] !== undefined) this.#checkExpression(node)
    else if (typeof type === 'string') {
      if (QUERY_NODES.has(type)) return this.#visitQuery(node, scope)
      if (RELATIONS.has(type)) return this.#visitRelation(node, scope)
      if (!PARTS.test(type))
        throw this.#refuse(node, `${type.toLowerCase().replaceAll('_', ' ')} is not allowed`)
    }
    if (node['function_name'] !== undefined) this.#checkFunction(node, ALLOWED_FUNCTIONS)
    this.#visitParts(node, scope)
  }

  #visitParts(node: TreeNode, scope: Scope): void {
    for (const key in node) if (key !== 'cte_map') this.#visit(node[key], scope)
  }

  /** A WITH item sees those before it, and itself when it is recursive; the query sees all of them. */
  #visitQuery(node: TreeNode, scope: Scope): void {
    if (++this.#queries > QUERY_NODES_MAX) throw this.#tooComplex()
    const inner = new Set(scope)
    const items = (node['cte_map'] as { map?: { key: string; value: TreeNode }[] } | undefined)?.map ?? []
    for (const { key, value } of items) {
      const name = key.toLowerCase()
      const body = (value['query'] as { node?: TreeNode } | undefined)?.node
      const recursive =
        body?.['type'] === 'RECURSIVE_CTE_NODE' && String(body['cte_name']).toLowerCase() === name
      this.#visit(value, recursive ? new Set([...inner, name]) : inner)
      inner.add(name)
    }
    this.#visitParts(node, inner)
  }

  #checkExpression(node: TreeNode): void {
    const kind = String(node['class'])
    if (kind === 'PARAMETER')
      throw this.#refuse(node, 'a parameter has no value here', 'Write the value in its place')
    if (!EXPRESSION_CLASSES.has(kind))
      throw this.#refuse(node, `${kind.toLowerCase().replaceAll('_', ' ')} is not allowed`)
  }

  #checkFunction(node: TreeNode, allowed: ReadonlySet<string>): void {
    const name = String(node['function_name']).toLowerCase()
    const home = `${node['catalog'] ?? ''}.${node['schema'] ?? ''}`
    if (allowed.has(name) && ['.', '.main', 'system.main'].includes(home))
      return this.#checkGrowth(node, name)
    const near = nearestName(name, allowed)
    throw this.#refuse(
      node,
      `function '${name}' is not available`,
      near ? `Did you mean ${near}?` : undefined,
    )
  }

  #checkGrowth(node: TreeNode, name: string): void {
    const index = GROWING_FUNCTIONS.get(name)
    if (index === undefined) return
    const count = (node['children'] as TreeNode[] | undefined)?.[index]
    const value = count?.['class'] === 'CONSTANT' ? (count['value'] as { value?: unknown }).value : undefined
    if (typeof value === 'number' && value <= GROWTH_MAX) return
    throw this.#refuse(node, `${name} needs a number of at most ${GROWTH_MAX} that is written there`)
  }

  #visitRelation(node: TreeNode, scope: Scope): void {
    if (++this.#relations > RELATIONS_MAX) throw this.#tooComplex()
    if (node['type'] === 'BASE_TABLE') this.#checkTable(node, scope)
    if (node['type'] !== 'TABLE_FUNCTION') return this.#visitParts(node, scope)
    const called = node['function'] as TreeNode
    if (called['class'] !== 'FUNCTION') throw this.#refuse(node, 'this cannot stand in FROM')
    this.#checkFunction(called, ALLOWED_TABLE_FUNCTIONS)
    this.#visitParts(called, scope)
    this.#visitParts({ ...node, function: null }, scope)
  }

  #checkTable(node: TreeNode, scope: Scope): void {
    if (node['at_clause'] !== null) throw this.#refuse(node, 'AT is not supported')
    const written = String(node['table_name'])
    const name = written.toLowerCase()
    if (node['schema_name'] !== '' || node['catalog_name'] !== '') throw this.#unknownSchema(node)
    const qualified = this.#text.qualified.has(Number(node['query_location']))
    if (!qualified && scope.has(name)) return
    const table = this.#known.byId(name)
    if (table === undefined) throw unknownTable(written, this.#known.names, this.#place(node))
    if (scope.has(name))
      throw this.#refuse(node, `'${written}' is also defined by WITH`, 'Give one of them another name')
    this.#found.tables.add(table.id)
  }

  #unknownSchema(node: TreeNode): LandfallError {
    const name = [node['catalog_name'], node['schema_name']].filter((part) => part !== '').join('.')
    return new LandfallError('fix-request', 'sql/unknown-schema', `Schema '${name}' does not exist`, {
      hint: `Tables are in ${CATALOG}.${SCHEMA}`,
      details: this.#place(node),
    })
  }

  #refuse(node: TreeNode, message: string, hint?: string): LandfallError {
    const options = { ...(hint === undefined ? {} : { hint }), details: this.#place(node) }
    return new LandfallError('fix-request', 'sql/not-allowed', message, options)
  }

  #tooComplex(): LandfallError {
    return new LandfallError('fix-request', 'sql/too-complex', 'the statement has too many parts', {
      hint: `At most ${QUERY_NODES_MAX} queries and ${RELATIONS_MAX} relations`,
    })
  }

  #place(node: TreeNode): Record<string, unknown> {
    // Without a place DuckDB writes 2^64-1, which lies outside every text.
    return placeOf(Number(node['query_location'] ?? -1), { place: this.#text.place, prefixBytes: 0 })
  }
}
