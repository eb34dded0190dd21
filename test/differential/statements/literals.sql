-- integers
SELECT 1, -1, 2147483647, 2147483648, 9223372036854775807, -9223372036854775808

-- integers in other bases and with underscores
SELECT 0xFF, 0b101, 0o17, 1_000_000

-- decimals keep their digits
SELECT 1.5, 0.10, .5, 12., -0.001, 00.7

-- a decimal of 38 digits
SELECT 1234567890123456789012345678.0123456789, DECIMAL '99999999999999999999999999999999999999'

-- doubles
SELECT 1e0, 1.5E10, -1e-5, 1e308, 5e-324, 0e0

-- NaN and infinities
SELECT nan(), infinity(), -infinity(), DOUBLE 'NaN', DOUBLE '-Infinity'

-- negative zero
SELECT -0e0, DOUBLE '-0', -(0e0)

-- reals
SELECT REAL '1.5', REAL '0.1', CAST(1e10 AS real), CAST(3.4028235e38 AS real)

-- booleans and nulls
SELECT true, false, NULL, BOOLEAN 'true'

-- small integers by a typed literal
SELECT TINYINT '127', SMALLINT '-32768', BIGINT '7', INTEGER '12'

-- strings
SELECT 'a', '', 'it''s', 'tab	and ü', 'two
lines'

-- strings of other planes and combining marks
SELECT '😀', 'ö', length('😀ö'), 'ﷺ'

-- unicode escapes
SELECT U&'\00fc\+01F600', U&'!00e4' UESCAPE '!', U&'\\'

-- binary
SELECT X'', X'00ff', X'65 66', to_hex(X'0aFf')

-- decimal literals by name
SELECT DECIMAL '1.10', DECIMAL '-0.5', DECIMAL '100'

-- varchar and char literals by name
SELECT VARCHAR 'abc', CHAR 'abc'

-- dates
SELECT DATE '2021-07-30', DATE '0001-01-01', DATE '9999-12-31', DATE '1969-12-31'

-- times
SELECT TIME '01:02:03', TIME '01:02:03.456', TIME '23:59:59.999999'

-- timestamps take the precision of their text
SELECT TIMESTAMP '2021-07-30 18:43:03', TIMESTAMP '2021-07-30 18:43:03.611', TIMESTAMP '2021-07-30 18:43:03.611123', TIMESTAMP '2021-07-30'

-- timestamps with a zone
SELECT TIMESTAMP '2021-07-30 18:43:03 UTC', TIMESTAMP '2021-07-30 18:43:03.5 Europe/Berlin', TIMESTAMP '2021-07-30 18:43 +05:30'

-- intervals of days
SELECT INTERVAL '1' DAY, INTERVAL '-2' HOUR, INTERVAL '90' MINUTE, INTERVAL '1.5' SECOND

-- intervals between two units
SELECT INTERVAL '1 02:03:04.005' DAY TO SECOND, INTERVAL '10:20' HOUR TO MINUTE, - INTERVAL '1' DAY

-- intervals of months
SELECT INTERVAL '2' YEAR, INTERVAL '3' MONTH, INTERVAL '1-6' YEAR TO MONTH, INTERVAL - '1' MONTH

-- json literals
SELECT JSON '{"b": 1, "a": [true, null]}', JSON '1.0', JSON '"x"'

-- types by name
SELECT typeof(1), typeof(1.5), typeof(1e0), typeof('abc'), typeof(NULL), typeof(DATE '2020-01-01')

-- types of nested values by name
SELECT typeof(ARRAY[1, 2]), typeof(MAP(ARRAY['a'], ARRAY[1])), typeof(ROW(1, 'a')), typeof(JSON '1')

-- types of columns by name
SELECT typeof(text), typeof(small), typeof(big), typeof(ratio), typeof(ok), typeof(birthday), typeof(moment), typeof(price), typeof(huge), typeof(bytes) FROM every_type LIMIT 1

-- every type of a table
SELECT * FROM every_type ORDER BY id

-- names of columns without a name
SELECT 1, 2 AS b, 1 + 1, count(*), "_col9" FROM (VALUES 3) AS t("_col9") GROUP BY 5

-- names keep their spelling in the answer
SELECT id AS "Mixed Case", id AS Plain, ID FROM every_type WHERE id = 1

-- values without names
VALUES (1, 'a'), (2, 'b'), (3, NULL)

-- values of one column
VALUES 1, 2, 3.5

-- uuid
SELECT UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'
