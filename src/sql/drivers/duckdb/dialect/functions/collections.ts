/** Functions of arrays and maps; those with lambdas are in `lambda-calls.ts`. */
import { raise } from '../templates.ts'
import { readTable } from './table.ts'

const tooLong = raise(
  'INVALID_FUNCTION_ARGUMENT',
  'result of sequence function must not have more than 10000 entries',
  'BIGINT',
)
/** The first of every run of equal elements of a sorted list of {e, i}. */
const DISTINCT = `list_transform(list_sort(list_transform(list_filter(list_zip(SORTED, list_prepend(NULL, SORTED)), lambda pair, place:
  pair[1] IS NOT NULL AND (place = 1 OR pair[1].e IS DISTINCT FROM pair[2].e)), lambda pair: {'i': pair[1].i, 'e': pair[1].e})), lambda pair: pair.e)`
const distinct = (list: string) =>
  DISTINCT.replaceAll('SORTED', `list_sort(list_transform(${list}, lambda e, i: {'e': e, 'i': i}))`).replace(
    /\s+/g,
    ' ',
  )
const bounded = (count: string) => `CASE WHEN ${count} > 10000 THEN ${tooLong} ELSE`

export const COLLECTION_FUNCTIONS = readTable(String.raw`
contains(2) = CASE WHEN list_contains($1, $2) THEN true WHEN len(list_filter($1, lambda e: e IS NULL)) > 0 THEN NULL ELSE list_contains($1, $2) END : boolean
array_position(2) = CAST(CASE WHEN $1 IS NULL OR $2 IS NULL THEN NULL ELSE coalesce(list_position($1, $2), 0) END AS BIGINT) : bigint
array_distinct(1) = CASE WHEN $1 IS NULL THEN NULL ELSE ${distinct('$1')} END : $1
array_sort(1) = list_sort($1, 'ASC', 'NULLS LAST') : $1
array_max(1) = CASE WHEN len(list_filter($1, lambda e: e IS NULL)) > 0 THEN NULL ELSE list_max($1) END : $1e
array_min(1) = CASE WHEN len(list_filter($1, lambda e: e IS NULL)) > 0 THEN NULL ELSE list_min($1) END : $1e
array_join(2) = array_to_string(list_filter($1, lambda e: e IS NOT NULL), $2) : varchar
array_join(3) = array_to_string(list_transform($1, lambda e: coalesce(CAST(e AS VARCHAR), $3)), $2) : varchar
array_remove(2) = list_filter($1, lambda e: e IS NULL OR e <> $2) : $1
array_union(2) = ${distinct('list_concat($1, $2)')} : $1
array_intersect(2) = list_sort(list_intersect($1, $2)) : $1
array_except(2) = ${distinct('list_filter($1, lambda e: NOT list_contains($2, e))')} : $1
arrays_overlap(2) = list_has_any($1, $2) : boolean
flatten(1) = flatten($1) : $1e
trim_array(2) = list_slice($1, 1, len($1) - $2) : $1
slice(3) = CASE WHEN $2 > 0 THEN list_slice($1, $2, $2 + $3 - 1) WHEN -$2 > len($1) THEN list_slice($1, 1, 0) ELSE list_slice($1, len($1) + $2 + 1, len($1) + $2 + $3) END : $1
repeat(2) = list_transform(generate_series(1, ${bounded('$2')} $2 END), lambda i: $1) : [$1]
map(0) = MAP {} : map(unknown, unknown)
map_keys(1) = map_keys($1) : [$1e]
map_values(1) = map_values($1) : [$1v]
map_concat(n) = map_concat($*) : +
`)
