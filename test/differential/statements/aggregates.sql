-- of a table
SELECT count(*), count(ok), count(DISTINCT ok), min(small), max(small), min(text), max(text), min(birthday), max(moment) FROM every_type

-- of nothing
SELECT count(*), count(id), sum(id), avg(id), min(text), max(ratio), array_agg(id), bool_and(id > 0), sum(price), stddev(ratio) FROM empty

-- of nothing by group
SELECT text, count(*) FROM empty GROUP BY text

-- of nulls
SELECT sum(x), avg(x), min(x), count(x), count(*) FROM (VALUES CAST(NULL AS integer), NULL) AS t(x)

-- of NaN and infinities
SELECT min(ratio), max(ratio), sum(ratio), count(ratio) FROM every_type WHERE id IN (3, 5, 7)

-- with a filter
SELECT count(*) FILTER (WHERE cost > 9), sum(cost) FILTER (WHERE type = 'sabre'), count(*) FROM purchases

-- distinct
SELECT count(DISTINCT "Host"), count(DISTINCT type), sum(DISTINCT cost), array_sort(array_agg(DISTINCT cost)) FROM purchases

-- count_if and booleans
SELECT count_if(cost > 9), bool_and(cost > 0), bool_or(cost > 41), every(cost IS NULL) FROM purchases

-- array_agg in order
SELECT type, array_agg(cost ORDER BY "timestamp" DESC) FROM purchases GROUP BY type ORDER BY type

-- array_agg keeps nulls
SELECT array_agg(x ORDER BY x), array_agg(x ORDER BY x) FILTER (WHERE x IS NOT NULL) FROM (VALUES 2, NULL, 1) AS t(x)

-- listagg
SELECT listagg(type, ', ') WITHIN GROUP (ORDER BY type) FROM (SELECT DISTINCT type FROM purchases)

-- min_by and max_by
SELECT min_by(type, cost), max_by(type, cost), max_by(type, cost, 2), min(cost, 2), max(cost, 3) FROM purchases

-- arbitrary of one value
SELECT type, arbitrary(cost), any_value(cost) FROM purchases GROUP BY type ORDER BY type

-- maps of groups
SELECT map_agg(type, cost) FROM (SELECT DISTINCT type, cost FROM purchases)

-- histograms
SELECT histogram(type) FROM purchases

-- multimaps
SELECT multimap_agg(k, v) FROM (VALUES ('a', 1), ('b', 2)) AS t(k, v)

-- map_union
SELECT map_union(m) FROM (VALUES MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['b'], ARRAY[2])) AS t(m)

-- (approximately) deviations
SELECT stddev(cost), stddev_pop(cost), stddev_samp(cost), variance(cost), var_pop(cost), var_samp(cost) FROM purchases

-- (approximately) correlations
SELECT corr(n, half), covar_pop(n, half), covar_samp(n, half), regr_slope(half, n), regr_intercept(half, n) FROM numbers WHERE n < 100

-- (approximately) shape
SELECT skewness(cost), kurtosis(cost), geometric_mean(cost) FROM purchases

-- bits
SELECT bitwise_and_agg(x), bitwise_or_agg(x), bitwise_xor_agg(x) FROM (VALUES 12, 10) AS t(x)

-- approx_distinct of few
SELECT approx_distinct("Host"), approx_distinct(cost) FROM purchases

-- approx_percentile of few
SELECT approx_percentile(x, 0.5), approx_percentile(x, 0.9), approx_percentile(x, ARRAY[0.25, 0.75]) FROM (VALUES 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) AS t(x)

-- approx_percentile of doubles
SELECT approx_percentile(x, 0.5) FROM (VALUES 1e0, 2e0, 4e0) AS t(x)

-- reduce_agg
SELECT reduce_agg(x, 0, (a, b) -> a + b, (a, b) -> a + b) FROM (VALUES 1, 2, 3) AS t(x)

-- checksums agree on equal rows
SELECT checksum(n) = checksum(n + 0), checksum(word) IS NULL FROM numbers WHERE n < 10

-- group by position and by expression
SELECT lower(type), cost / 10, count(*) FROM purchases GROUP BY 1, cost / 10 ORDER BY 1

-- having
SELECT type, count(*) AS n FROM purchases GROUP BY type HAVING sum(cost) > 50 ORDER BY type

-- having without a group
SELECT count(*) FROM purchases HAVING count(*) > 1000

-- distinct rows
SELECT DISTINCT type, cost FROM purchases ORDER BY type

-- distinct over a group
SELECT DISTINCT "Host", count(*) AS n FROM purchases GROUP BY "Host" ORDER BY n DESC, "Host"

-- nulls are one group
SELECT word IS NULL, count(*) FROM numbers WHERE n < 100 GROUP BY 1 ORDER BY 1

-- NaN is one group
SELECT x, count(*) FROM (VALUES nan(), nan(), 0e0, -0e0) AS t(x) GROUP BY x

-- rollup
SELECT event_type, type, count(*), sum(cost) FROM purchases GROUP BY ROLLUP (event_type, type) ORDER BY 1, 2

-- cube
SELECT event_type, "Host", count(*) FROM purchases GROUP BY CUBE (event_type, "Host") ORDER BY 1, 2

-- grouping sets
SELECT event_type, type, count(*) FROM purchases GROUP BY GROUPING SETS ((event_type), (type), ()) ORDER BY 1, 2

-- grouping
SELECT event_type, type, grouping(event_type, type) AS g, count(*) FROM purchases GROUP BY ROLLUP (event_type, type) ORDER BY g, 1, 2

-- several groupings combine
SELECT event_type, type, count(*) FROM purchases GROUP BY event_type, ROLLUP (type) ORDER BY 1, 2

-- group by distinct
SELECT event_type, count(*) FROM purchases GROUP BY DISTINCT GROUPING SETS ((event_type), (event_type)) ORDER BY 1

-- the empty grouping set of nothing
SELECT count(*), sum(id) FROM empty GROUP BY GROUPING SETS (())

-- averages of integers are doubles
SELECT avg(cost), typeof(avg(cost)), typeof(sum(cost)), typeof(count(*)) FROM purchases

-- sums of decimals
SELECT sum(price), avg(price), sum(huge) FROM every_type WHERE id > 2

-- averages of intervals and dates
SELECT max(birthday), min(moment), max(bytes), min(price) FROM every_type WHERE id > 2

-- count_if of nothing and of nulls
SELECT count_if(cost > 9) FROM purchases WHERE cost IS NULL UNION ALL SELECT count_if(ratio > 1) FROM empty
