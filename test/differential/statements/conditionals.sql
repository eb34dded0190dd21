-- case
SELECT CASE 1 WHEN 1 THEN 'a' ELSE 'b' END, CASE WHEN false THEN 1 END, CASE WHEN NULL THEN 1 ELSE 2 END, CASE WHEN true THEN 1 ELSE 2.5 END

-- if
SELECT IF(true, 1, 2), IF(false, 1), IF(NULL, 1, 2), IF(1 > 0, 'yes', 'no')

-- coalesce and nullif
SELECT coalesce(NULL, 1, 2), coalesce(NULL, 'a'), nullif(1, 1), nullif(1, 2), nullif('a', 'b'), coalesce(NULL, NULL), coalesce(1, 2.5)

-- try
SELECT try(1 / 0), try(CAST('x' AS integer)), try(5), try(ARRAY[1][2])

-- try over a table
SELECT id, try(10 / small) FROM every_type ORDER BY id

-- try_cast
SELECT TRY_CAST('12' AS integer), TRY_CAST('x' AS integer), TRY_CAST('2021-13-01' AS date), TRY_CAST(300 AS tinyint), TRY_CAST('1e400' AS double)

-- casts to integers
SELECT CAST('12' AS integer), CAST(1.5 AS integer), CAST(2.5 AS bigint), CAST(-1.5 AS integer), CAST(1.5e0 AS integer), CAST(2.5e0 AS integer), CAST(true AS integer), CAST(' 12 ' AS integer)

-- casts to doubles
SELECT CAST('1.5' AS double), CAST('Infinity' AS double), CAST('NaN' AS double), CAST(1 AS double), CAST('1e10' AS double), CAST(0.1 AS real)

-- casts to decimals
SELECT CAST(1.005 AS decimal(10, 2)), CAST('1.239' AS decimal(5, 2)), CAST(1 AS decimal(5, 2)), CAST(1.5e0 AS decimal(5, 1)), CAST(-0.005 AS decimal(3, 2))

-- casts to booleans
SELECT CAST('true' AS boolean), CAST('T' AS boolean), CAST('0' AS boolean), CAST(0 AS boolean), CAST(2 AS boolean), CAST(0e0 AS boolean)

-- casts of numbers to text
SELECT CAST(1.50 AS varchar), CAST(1e0 AS varchar), CAST(1e10 AS varchar), CAST(0.1e0 AS varchar), CAST(true AS varchar), CAST(-5 AS varchar), CAST(1e-7 AS varchar), CAST(nan() AS varchar), CAST(123456789e0 AS varchar)

-- casts of a table's columns to text
SELECT id, CAST(small AS varchar), CAST(ratio AS varchar), CAST(price AS varchar), CAST(huge AS varchar), CAST(ok AS varchar), CAST(birthday AS varchar) FROM every_type ORDER BY id

-- a case in a group
SELECT CASE WHEN cost IS NULL THEN 'unknown' WHEN cost > 9 THEN 'dear' ELSE 'cheap' END AS price, count(*) FROM purchases GROUP BY 1 ORDER BY 1

-- the branch that is not taken is not computed
SELECT IF(small <> 0, 10 / small, -1), CASE WHEN small = 0 THEN 0 ELSE 1 / small END FROM every_type ORDER BY id
