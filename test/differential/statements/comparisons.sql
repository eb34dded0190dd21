-- three-valued logic
SELECT NULL AND true, NULL AND false, NULL OR true, NULL OR false, NOT CAST(NULL AS boolean)

-- comparisons with NULL
SELECT NULL = NULL, 1 = NULL, NULL <> 1, NULL IS NULL, 1 IS NOT NULL

-- is distinct from
SELECT NULL IS DISTINCT FROM NULL, 1 IS DISTINCT FROM NULL, 1 IS NOT DISTINCT FROM 1, NULL IS NOT DISTINCT FROM 2

-- NaN is not equal to itself
SELECT nan() = nan(), nan() <> nan(), nan() < 1, nan() > 1, nan() IS DISTINCT FROM nan()

-- NaN in a table
SELECT id, ratio = ratio, ratio > 0, ratio < infinity() FROM every_type ORDER BY id

-- infinities compare
SELECT infinity() > 1e308, -infinity() < -1e308, infinity() = infinity()

-- zeros are equal
SELECT -0e0 = 0e0, -0e0 < 0e0, -0e0 IS DISTINCT FROM 0e0

-- between
SELECT 2 BETWEEN 1 AND 3, 3 NOT BETWEEN 1 AND 2, NULL BETWEEN 1 AND 2, 2 BETWEEN NULL AND 1, 'b' BETWEEN 'a' AND 'c'

-- in
SELECT 1 IN (1, 2), 3 IN (1, 2), 1 IN (1, NULL), 3 IN (1, NULL), 3 NOT IN (1, NULL), NULL IN (1)

-- strings compare by code point
SELECT 'a' < 'b', 'B' < 'a', 'a' < 'aa', '' < 'a', 'z' < 'ä', 'ﷺ' < '😀'

-- trailing spaces count in varchar and not in char
SELECT 'a' = 'a ', CAST('a' AS char(3)) = CAST('a  ' AS char(3)), CAST('a' AS char(3)) = 'a'

-- booleans compare
SELECT false < true, true = true, true > false

-- dates and timestamps compare
SELECT DATE '2020-01-01' < DATE '2020-01-02', DATE '2020-01-01' = TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2020-01-01 00:00:00 UTC' = TIMESTAMP '2020-01-01 01:00:00 +01:00'

-- timestamps of a table against a date
SELECT id FROM every_type WHERE moment >= DATE '2021-01-01' ORDER BY id

-- rows compare
SELECT (1, 'a') = (1, 'a'), (1, 2) < (1, 3), (1, NULL) = (1, 2), (1, NULL) = (2, NULL)

-- arrays compare
SELECT ARRAY[1, 2] = ARRAY[1, 2], ARRAY[1, 2] < ARRAY[1, 3], ARRAY[1] < ARRAY[1, 0]

-- quantified comparisons
SELECT 1 = ANY (VALUES 1, 2), 3 > ALL (VALUES 1, 2), 1 < SOME (VALUES 0, 2), 1 <> ALL (VALUES 2, NULL)

-- quantified over nothing
SELECT 1 = ANY (SELECT id FROM empty), 1 > ALL (SELECT id FROM empty)

-- nulls in a filter
SELECT id FROM every_type WHERE ok ORDER BY id

-- not over nulls in a filter
SELECT id FROM every_type WHERE NOT ok ORDER BY id

-- a filter on binary
SELECT id FROM every_type WHERE bytes > X'41' ORDER BY id

-- a filter on decimals
SELECT id, price FROM every_type WHERE price BETWEEN -1.1 AND 1.1 ORDER BY price, id
