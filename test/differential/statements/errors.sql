-- a syntax error
SELECT 1 FORM purchases

-- a syntax error at the end
SELECT

-- a syntax error on a later line
SELECT 1
FROM purchases
WHERE AND cost > 1

-- an unclosed string
SELECT 'abc

-- an unclosed parenthesis
SELECT (1 + 2

-- a reserved word
SELECT select FROM purchases

-- a missing comma
SELECT a b c FROM purchases

-- a statement that begins wrongly
FOO BAR

-- two statements
SELECT 1; SELECT 2

-- a table that is not there
SELECT * FROM nowhere

-- a table of a later line that is not there
SELECT count(*)
FROM purchases p
  JOIN nowhere n ON true

-- a schema that is not there
SELECT * FROM hive.nowhere.purchases

-- a catalog that is not there
SELECT * FROM nowhere.default.purchases

-- a column that is not there
SELECT bad FROM purchases

-- a column in a filter that is not there
SELECT cost
FROM purchases
WHERE bad > 1

-- a column of a qualified name that is not there
SELECT p.bad FROM purchases p

-- a table of a qualified name that is not there
SELECT x.cost FROM purchases p

-- a column in an order that is not there
SELECT cost FROM purchases ORDER BY bad

-- an ambiguous column
SELECT cost FROM purchases a JOIN purchases b ON a.cost = b.cost

-- a function that is not there
SELECT 1, no_such_function(cost) FROM purchases

-- a function with wrong arguments
SELECT length(1)

-- a function with too many arguments
SELECT length('a', 'b', 'c')

-- a comparison of different types
SELECT 1 = 'a'

-- arithmetic with text
SELECT 1 + 'a'

-- logic with a number
SELECT true AND 1

-- a filter that is not a condition
SELECT 1 FROM purchases WHERE cost

-- not of a number
SELECT NOT 1

-- a column that is not grouped
SELECT type, cost, count(*) FROM purchases GROUP BY type

-- a column beside an aggregate
SELECT type, count(*) FROM purchases

-- an aggregate in a filter
SELECT type FROM purchases WHERE count(*) > 1

-- an aggregate in an aggregate
SELECT sum(count(*)) FROM purchases

-- a window in a filter
SELECT n FROM numbers WHERE row_number() OVER () = 1

-- an order by a position that is not there
SELECT cost FROM purchases ORDER BY 2

-- a group by a position that is not there
SELECT cost FROM purchases GROUP BY 3

-- sets of different widths
SELECT 1, 2 UNION SELECT 1

-- sets of different types
SELECT 1 UNION SELECT 'a'

-- values of different widths
VALUES (1, 2), (3)

-- a subquery of two columns
SELECT (SELECT 1, 2)

-- a subquery of several rows
SELECT (SELECT id FROM every_type)

-- division by zero
SELECT 1 / 0

-- division by zero of a column
SELECT 10 / small FROM every_type

-- division of decimals by zero
SELECT 1.5 / 0

-- modulo by zero
SELECT 5 % 0

-- an integer that is too large
SELECT 2147483647 + 1

-- a bigint that is too large
SELECT 9223372036854775807 + 1

-- a sum that is too large
SELECT sum(big) FROM (VALUES 9223372036854775807, 1) AS t(big)

-- a product that is too large
SELECT big * 2 FROM every_type WHERE id = 2

-- a literal that is too large
SELECT 99999999999999999999

-- a cast of text that is no number
SELECT CAST('abc' AS integer)

-- a cast of a column that is no number
SELECT CAST(text AS bigint) FROM every_type

-- a cast of text that is no date
SELECT CAST('2021-02-30' AS date)

-- a cast that does not fit
SELECT CAST(300 AS tinyint)

-- a cast of a decimal that does not fit
SELECT CAST(12345.6 AS decimal(4, 1))

-- a cast between types that have nothing in common
SELECT CAST(DATE '2020-01-01' AS integer)

-- a type that is not there
SELECT CAST(1 AS nosuchtype)

-- a date literal that is none
SELECT DATE '2021-13-01'

-- a timestamp literal that is none
SELECT TIMESTAMP 'yesterday'

-- a subscript beyond the array
SELECT ARRAY[1, 2][3]

-- a subscript of zero
SELECT ARRAY[1, 2][0]

-- a negative subscript
SELECT ARRAY[1, 2][-1]

-- a key that is not in the map
SELECT MAP(ARRAY['a'], ARRAY[1])['b']

-- a map with a key twice
SELECT MAP(ARRAY['a', 'a'], ARRAY[1, 2])

-- a map of unequal arrays
SELECT MAP(ARRAY['a'], ARRAY[1, 2])

-- a regular expression that is none
SELECT regexp_like('a', '(')

-- json that is none
SELECT json_parse('{a')

-- a json path that is none
SELECT json_extract('{}', 'a[')

-- a unit of time that is none
SELECT date_trunc('fortnight', DATE '2020-01-01')

-- a zone that is none
SELECT TIMESTAMP '2020-01-01 00:00:00 UTC' AT TIME ZONE 'Mars/Olympus'

-- a format that does not fit
SELECT date_parse('abc', '%Y-%m-%d')

-- hexadecimal that is none
SELECT from_hex('xyz')

-- binary that is none
SELECT X'0'

-- a negative limit
SELECT 1 LIMIT -1

-- fetch with ties without an order
SELECT x FROM (VALUES 1) AS t(x) FETCH FIRST 1 ROW WITH TIES

-- distinct and an order by something else
SELECT DISTINCT type FROM purchases ORDER BY cost

-- a name of a common table expression twice
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a

-- more names than columns
SELECT * FROM (VALUES 1) AS t(a, b)

-- all columns of nothing
SELECT *

-- a prepared statement that is not there
EXECUTE nowhere

-- too few values
EXECUTE IMMEDIATE 'SELECT ? + ?' USING 1

-- a parameter outside of a prepared statement
SELECT ?

-- a session property that is not there
SET SESSION no_such_property = 1

-- a lambda where none is wanted
SELECT upper(x -> x)

-- a field that is not in the row
SELECT r.z FROM (SELECT CAST(ROW(1) AS row(a integer)) AS r)

-- an in of different types
SELECT 1 IN ('a', 'b')

-- a case of different types
SELECT CASE WHEN true THEN 1 ELSE 'a' END

-- a window function without a window
SELECT row_number() FROM purchases

-- an offset that is negative
SELECT x FROM (VALUES 1) AS t(x) OFFSET -1

-- describe a table that is not there
DESCRIBE nowhere

-- show columns of a schema that is not there
SHOW TABLES FROM nowhere

-- a nested aggregate in a having
SELECT type FROM purchases GROUP BY type HAVING cost > 1

-- a column of a using that is not there
SELECT * FROM (VALUES 1) AS t(a) JOIN (VALUES 1) AS u(b) USING (a)

-- an argument out of range
SELECT chr(-1)

-- a bucket of no width
SELECT width_bucket(1e0, 0e0, 10e0, 0)

-- a sequence that does not end
SELECT sequence(1, 10, -1)

-- a base that is none
SELECT from_base('1', 99)

-- a filter of a window
SELECT n, count(*) FILTER (WHERE n % 2 = 0) OVER (ORDER BY n) FROM numbers WHERE n < 4 ORDER BY n

-- a fully qualified column of a table that is not qualified
SELECT hive.default.purchases.cost FROM purchases

-- writing into a table
INSERT INTO purchases SELECT * FROM purchases

-- deleting from a table that is not there
DELETE FROM nowhere

-- dropping a table that is not there
DROP TABLE nowhere
