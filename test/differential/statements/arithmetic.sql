-- integer division truncates
SELECT 7 / 2, -7 / 2, 7 / -2, 1 / 3

-- modulo has the sign of the dividend
SELECT 7 % 3, -7 % 3, 7 % -3, mod(-7, 3), 5.5 % 2, 7e0 % 2.5e0

-- integer types combine to the wider
SELECT TINYINT '1' + SMALLINT '2', 1 + BIGINT '2', typeof(TINYINT '1' + TINYINT '1')

-- decimals add
SELECT 1.10 + 2.205, 0.1 + 0.2, 10.5 - 0.55, 1 + 0.5

-- decimals multiply
SELECT 1.10 * 2.5, 0.001 * 0.001, -1.5 * 2

-- decimals divide
SELECT 1.0 / 3, 10.00 / 4, 1 / 3.0, 22.0 / 7.00, -1.0 / 3

-- decimals of a table divide
SELECT id, price / 3, price / small FROM every_type WHERE id IN (1, 2, 7) ORDER BY id

-- decimals and doubles make doubles
SELECT 1.5 + 1e0, 0.1 * 3e0, typeof(1.5 + 1e0)

-- doubles
SELECT 0.1e0 + 0.2e0, 1e308 * 10, 1e0 / 3, 7e0 / 0

-- zero by zero in doubles
SELECT 0e0 / 0, is_nan(0e0 / 0), -1e0 / 0

-- reals stay reals
SELECT REAL '0.1' + REAL '0.2', REAL '1' / REAL '3', typeof(REAL '1' + 1)

-- unary signs
SELECT -(-5), - 5, +5, -(1.5), - id FROM every_type WHERE id = 2

-- precedence
SELECT 1 + 2 * 3, (1 + 2) * 3, -2 * -3, 10 - 4 - 3, 100 / 10 / 5, 2 * 3 % 4

-- absolute values and signs
SELECT abs(-5), abs(-1.5), abs(-1e0), sign(-3), sign(0), sign(2.5), sign(-1e0)

-- ceiling and floor
SELECT ceil(1.2), ceiling(-1.2), floor(1.8), floor(-1.8), ceil(5), floor(1e0 / 3), ceil(1.5e0)

-- rounding goes away from zero
SELECT round(2.5), round(-2.5), round(3.5), round(2.5e0), round(-2.5e0), round(0.5e0)

-- rounding to digits
SELECT round(1.2345, 2), round(1.005e0, 2), round(-1.255, 2), round(1234.5678, -2), round(15, -1), round(1234567, -3)

-- truncation
SELECT truncate(1.99), truncate(-1.99e0), truncate(-12.345, 1)

-- powers and roots
SELECT power(2, 10), pow(2e0, 0.5e0), sqrt(2), cbrt(27), sqrt(-1), exp(0)

-- logarithms
SELECT ln(1), log10(1000), log2(8), log(2, 8), ln(0)

-- (approximately) trigonometry
SELECT sin(1), cos(1), tan(1), asin(0.5), acos(0.5), atan(1), atan2(1, 2), sinh(1), cosh(1), tanh(1)

-- (approximately) constants and angles
SELECT pi(), e(), degrees(pi()), radians(180)

-- greatest and least
SELECT greatest(1, 3, 2), least(1.5, 2), greatest('a', 'b'), greatest(1, NULL), least(DATE '2020-01-01', DATE '2019-01-01')

-- greatest with NaN
SELECT greatest(1e0, nan()), least(1e0, nan())

-- bits
SELECT bitwise_and(12, 10), bitwise_or(12, 10), bitwise_xor(12, 10), bitwise_not(5), bit_count(255, 64)

-- shifts
SELECT bitwise_left_shift(1, 3), bitwise_right_shift(-8, 1), bitwise_right_shift_arithmetic(-8, 1)

-- bases
SELECT to_base(255, 16), from_base('ff', 16), from_base('-101', 2)

-- buckets
SELECT width_bucket(5.35e0, 0.024e0, 10.06e0, 5), width_bucket(-1e0, 0e0, 10e0, 5), width_bucket(3e0, ARRAY[1e0, 2e0, 4e0])

-- arithmetic with NULL
SELECT 1 + NULL, NULL * 2.5, -CAST(NULL AS integer), NULL / 0

-- sums of integers
SELECT sum(small), sum(big / 1000), avg(small), avg(price), sum(price), sum(huge) FROM every_type WHERE id > 2

-- decimal precision grows with the sum
SELECT typeof(sum(price)), typeof(avg(price)), typeof(price + price), typeof(price * price), typeof(price / price), typeof(huge * 2) FROM every_type WHERE id = 7 GROUP BY price, huge

-- comparison of mixed numbers
SELECT 1 = 1.0, 1 < 1.5e0, BIGINT '9007199254740993' = 9007199254740992e0, 0.1 = 0.1e0
