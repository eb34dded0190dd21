/** Functions of numbers. */
import { raise } from '../templates.ts'
import { readTable } from './table.ts'

const domain = raise('INVALID_FUNCTION_ARGUMENT', 'bucketCount must be greater than 0')

const noDigit = raise('INVALID_FUNCTION_ARGUMENT', 'Not a valid number of this base', 'HUGEINT')

export const NUMBER_FUNCTIONS = readTable(String.raw`
abs(1) = abs($1) : $1
sqrt(1) = CASE WHEN $1 < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt($1) END : double
cbrt(1) = cbrt($1) : double
exp(1) = exp($1) : double
ln(1) = CASE WHEN $1 > 0 THEN ln($1) WHEN $1 = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN $1 < 0 THEN CAST('NaN' AS DOUBLE) END : double
log2(1) = CASE WHEN $1 > 0 THEN log2($1) WHEN $1 = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN $1 < 0 THEN CAST('NaN' AS DOUBLE) END : double
log10(1) = CASE WHEN $1 > 0 THEN log10($1) WHEN $1 = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN $1 < 0 THEN CAST('NaN' AS DOUBLE) END : double
log(2) = CASE WHEN $1 > 0 AND $2 > 0 THEN ln($2) / ln($1) END : double
power(2) = pow(CAST($1 AS DOUBLE), CAST($2 AS DOUBLE)) : double
pow(2) = pow(CAST($1 AS DOUBLE), CAST($2 AS DOUBLE)) : double
sin(1) = sin($1) : double
cos(1) = cos($1) : double
tan(1) = tan($1) : double
asin(1) = CASE WHEN abs($1) > 1 THEN CAST('NaN' AS DOUBLE) ELSE asin($1) END : double
acos(1) = CASE WHEN abs($1) > 1 THEN CAST('NaN' AS DOUBLE) ELSE acos($1) END : double
atan(1) = atan($1) : double
atan2(2) = atan2($1, $2) : double
sinh(1) = sinh($1) : double
cosh(1) = cosh($1) : double
tanh(1) = tanh($1) : double
degrees(1) = degrees($1) : double
radians(1) = radians($1) : double
pi(0) = pi() : double
e(0) = exp(1) : double
infinity(0) = CAST('Infinity' AS DOUBLE) : double
nan(0) = CAST('NaN' AS DOUBLE) : double
is_nan(1) = isnan($1) : boolean
is_finite(1) = isfinite($1) : boolean
is_infinite(1) = isinf($1) : boolean
rand(0) = random() : double
random(0) = random() : double
rand(1) = CAST(floor(random() * $1) AS BIGINT) : $1
random(1) = CAST(floor(random() * $1) AS BIGINT) : $1
random(2) = CAST(floor($1 + random() * ($2 - $1)) AS BIGINT) : $1
width_bucket(4) = CASE WHEN $4 <= 0 THEN ${domain} WHEN $2 < $3 THEN CASE WHEN $1 < $2 THEN 0 WHEN $1 >= $3 THEN $4 + 1 ELSE CAST(floor($4 * (CAST($1 AS DOUBLE) - $2) / (CAST($3 AS DOUBLE) - $2)) AS BIGINT) + 1 END ELSE CASE WHEN $1 > $2 THEN 0 WHEN $1 <= $3 THEN $4 + 1 ELSE CAST(floor($4 * (CAST($2 AS DOUBLE) - $1) / (CAST($2 AS DOUBLE) - $3)) AS BIGINT) + 1 END END : bigint
width_bucket(2) = len(list_filter($2, lambda bin: bin <= $1)) : bigint
bitwise_and(2) = CAST($1 AS BIGINT) & CAST($2 AS BIGINT) : bigint
bitwise_or(2) = CAST($1 AS BIGINT) | CAST($2 AS BIGINT) : bigint
bitwise_xor(2) = xor(CAST($1 AS BIGINT), CAST($2 AS BIGINT)) : bigint
bitwise_not(1) = ~CAST($1 AS BIGINT) : bigint
bitwise_left_shift(2) = CAST($1 AS BIGINT) << CAST($2 AS BIGINT) : bigint
bitwise_right_shift_arithmetic(2) = CAST($1 AS BIGINT) >> CAST($2 AS BIGINT) : bigint
from_base(2) = CAST(CASE WHEN $2 < 2 OR $2 > 36 THEN ${noDigit} ELSE list_reduce(list_transform(string_split(lower(ltrim($1, '+-')), ''), lambda digit: CASE WHEN strpos(left('0123456789abcdefghijklmnopqrstuvwxyz', CAST($2 AS INTEGER)), digit) = 0 THEN ${noDigit} ELSE CAST(strpos('0123456789abcdefghijklmnopqrstuvwxyz', digit) - 1 AS HUGEINT) END), lambda total, digit: total * $2 + digit) * CASE WHEN starts_with($1, '-') THEN -1 ELSE 1 END END AS BIGINT) : bigint
bit_count(2) = CAST(bit_count(CAST($1 AS BIGINT)) AS BIGINT) - CASE WHEN $1 < 0 THEN 64 - $2 ELSE 0 END : bigint
`)
