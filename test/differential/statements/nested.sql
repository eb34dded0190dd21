-- arrays
SELECT ARRAY[1, 2, 3], ARRAY['a', NULL], ARRAY[], ARRAY[ARRAY[1], ARRAY[]], ARRAY[1, 2.5]

-- subscripts begin at one
SELECT ARRAY['a', 'b'][1], element_at(ARRAY['a', 'b'], 3), element_at(ARRAY['a', 'b'], -1), MAP(ARRAY['k'], ARRAY[7])['k'], element_at(MAP(ARRAY['k'], ARRAY[7]), 'x')

-- cardinality and contains
SELECT cardinality(ARRAY[1, 2]), cardinality(ARRAY[]), contains(ARRAY[1, 2], 2), contains(ARRAY[1, NULL], 3), array_position(ARRAY['a', 'b', 'a'], 'a'), array_position(ARRAY[1], 5)

-- slices and concatenation
SELECT slice(ARRAY[1, 2, 3, 4], 2, 2), slice(ARRAY[1, 2, 3], -2, 2), ARRAY[1] || ARRAY[2, 3], ARRAY[1] || 2, concat(ARRAY[1], ARRAY[2]), 0 || ARRAY[1]

-- sets
SELECT array_distinct(ARRAY[1, 2, 1, NULL, NULL]), array_union(ARRAY[1, 2], ARRAY[2, 3]), array_intersect(ARRAY[1, 2], ARRAY[2, 3]), array_except(ARRAY[1, 2, 2], ARRAY[2]), arrays_overlap(ARRAY[1, 2], ARRAY[2])

-- sorting
SELECT array_sort(ARRAY[3, 1, NULL, 2]), array_sort(ARRAY['b', 'a']), array_sort(ARRAY[1, 2, 3], (x, y) -> IF(x < y, 1, IF(x = y, 0, -1))), reverse(ARRAY[1, 2, 3])

-- extremes and joins
SELECT array_max(ARRAY[1, 3, 2]), array_min(ARRAY['b', 'a']), array_max(ARRAY[1, NULL]), array_join(ARRAY['a', NULL, 'b'], ','), array_join(ARRAY[1, NULL, 2], '-', '?')

-- removing and flattening
SELECT array_remove(ARRAY[1, 2, 1], 1), flatten(ARRAY[ARRAY[1], ARRAY[2, 3]]), repeat('a', 3), trim_array(ARRAY[1, 2, 3], 1)

-- sequences
SELECT sequence(1, 5), sequence(5, 1), sequence(1, 10, 3), sequence(3, 1, -1)

-- transform and filter
SELECT transform(ARRAY[1, 2, 3], x -> x * 2), filter(ARRAY[1, 2, 3], x -> x > 1), filter(ARRAY[1, NULL], x -> x IS NOT NULL), transform(ARRAY[], x -> x)

-- reduce
SELECT reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s), reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s * 10), reduce(ARRAY[], 5, (s, x) -> s, s -> s)

-- matches
SELECT any_match(ARRAY[1, 2], x -> x = 2), all_match(ARRAY[1, 2], x -> x > 0), none_match(ARRAY[1, 2], x -> x > 5), all_match(ARRAY[], x -> false), any_match(ARRAY[NULL], x -> x = 1)

-- zip
SELECT zip(ARRAY[1, 2], ARRAY['a', 'b']), zip(ARRAY[1], ARRAY['a', 'b']), zip_with(ARRAY[1, 2], ARRAY[3, 4], (x, y) -> x + y)

-- lambdas see columns
SELECT id, transform(sequence(1, 3), x -> x * id) FROM every_type WHERE id < 3 ORDER BY id

-- lambdas in lambdas
SELECT transform(ARRAY[ARRAY[1, 2], ARRAY[3]], a -> transform(a, x -> x + cardinality(a)))

-- combinations and n-grams
SELECT combinations(ARRAY[1, 2, 3], 2), ngrams(ARRAY['a', 'b', 'c'], 2), shuffle(ARRAY[1])

-- maps
SELECT MAP(ARRAY['a', 'b'], ARRAY[1, NULL]), MAP(), cardinality(MAP(ARRAY['a'], ARRAY[1])), map_keys(MAP(ARRAY['a'], ARRAY[1])), map_values(MAP(ARRAY['a'], ARRAY[1]))

-- map entries
SELECT map_entries(MAP(ARRAY['a'], ARRAY[1])), map_from_entries(ARRAY[('x', 1), ('y', 2)]), map_concat(MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['b'], ARRAY[2]))

-- maps and lambdas
SELECT map_filter(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v > 1), transform_values(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> v * 10), transform_keys(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> k || 'x')

-- maps with integer keys
SELECT MAP(ARRAY[1, 2], ARRAY['x', 'y']), MAP(ARRAY[1, 2], ARRAY['x', 'y'])[2], map_zip_with(MAP(ARRAY[1], ARRAY[2]), MAP(ARRAY[1], ARRAY[3]), (k, a, b) -> a + b)

-- rows
SELECT ROW(1, 'a', NULL), CAST(ROW(1, 'a') AS row(x bigint, y varchar)), (1, 2), ROW(ROW(1), 2)

-- fields of rows
SELECT r.x, r.y FROM (SELECT CAST(ROW(1, 'a') AS row(x bigint, y varchar)) AS r)

-- fields of rows by number
SELECT ROW(1, 'a')[2], r[1] FROM (VALUES ROW(ROW(5, 6))) AS t(r)

-- unnest an array
SELECT x FROM UNNEST(ARRAY[3, 1, NULL]) AS t(x)

-- unnest with ordinality
SELECT x, n FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, n)

-- unnest a map
SELECT k, v FROM UNNEST(MAP(ARRAY['a', 'b'], ARRAY[1, 2])) AS t(k, v)

-- unnest several
SELECT a, b FROM UNNEST(ARRAY[1, 2, 3], ARRAY['x', 'y']) AS t(a, b)

-- unnest rows
SELECT x, y FROM UNNEST(ARRAY[ROW(1, 'a'), ROW(2, 'b')]) AS t(x, y)

-- unnest beside a table
SELECT id, x FROM every_type CROSS JOIN UNNEST(sequence(1, id)) AS t(x) WHERE id < 4 ORDER BY id, x

-- unnest by a left join keeps rows
SELECT id, x FROM every_type LEFT JOIN UNNEST(filter(sequence(1, 3), n -> n < id)) AS t(x) ON true WHERE id < 4 ORDER BY id, x

-- casts of arrays and maps
SELECT CAST(ARRAY[1, 2] AS array(varchar)), CAST(MAP(ARRAY['1'], ARRAY['2']) AS map(integer, double)), CAST(ARRAY['1', NULL] AS array(bigint))

-- nested values of a table
SELECT ARRAY[text, 'x'], MAP(ARRAY[id], ARRAY[ratio]), ROW(ok, birthday, price, moment) FROM every_type ORDER BY id
