import type { ResultColumn } from '../../sql.ts'
import type { TreeNode } from './parser.ts'

/**
 * The columns of an answer with Trino's names: an expression without an alias is `_col` and its place, where DuckDB would repeat its
 * text. With two or more stars nobody knows which column came from where, and names stay.
 */
export function outputNames(root: TreeNode, columns: readonly ResultColumn[]): ResultColumn[] {
  const items = selectList(root)
  const stars = items.filter(expands).length
  const spread = columns.length - (items.length - stars)
  if (stars > 1 || (stars === 0 && spread !== 0)) return [...columns]
  const unnamed = new Set<number>()
  let at = 0
  for (const item of items) {
    if (isUnnamed(item)) unnamed.add(at)
    at += expands(item) ? spread : 1
  }
  return columns.map((column, i) => (unnamed.has(i) ? { ...column, name: `_col${i}` } : column))
}

/** A set operation has the names of its first query. */
function selectList(node: TreeNode): TreeNode[] {
  const first = node['left'] ?? (node['children'] as TreeNode[] | undefined)?.[0]
  if (node['type'] === 'SELECT_NODE') return (node['select_list'] as TreeNode[] | undefined) ?? []
  return first ? selectList(first as TreeNode) : []
}

function isUnnamed(item: TreeNode): boolean {
  return item['alias'] === '' && !['COLUMN_REF', 'STAR'].includes(String(item['class'])) && !expands(item)
}

/** Whether an item may become several columns: a star, or a function of COLUMNS(…). */
function expands(item: unknown): boolean {
  if (item === null || typeof item !== 'object') return false
  if ((item as TreeNode)['class'] === 'STAR') return true
  if ((item as TreeNode)['class'] === 'SUBQUERY') return false
  return Object.values(item).some(expands)
}
