-- concatenation
SELECT 'a' || 'b', 'a' || NULL, concat('a', 'b', 'c'), concat('ü', '😀'), concat_ws(',', 'a', NULL, 'b'), concat_ws('-', ARRAY['x', 'y'])

-- lengths count characters
SELECT length('abc'), length('ü😀'), length(''), length('é')

-- case
SELECT upper('straße'), lower('ÀÉÎ'), upper('abcÿ'), lower('İ')

-- substr
SELECT substr('hello', 2), substr('hello', 2, 3), substr('hello', -3), substr('hello', -3, 2), substr('hello', 0), substr('hello', 10), substring('hello' FROM 2 FOR 2)

-- substr counts characters
SELECT substr('a😀b', 2, 1), substring('ö', 1, 1), substr('hello', 2, 0), substr('hello', -10)

-- positions
SELECT strpos('hello', 'l'), strpos('hello', 'z'), position('lo' IN 'hello'), strpos('hello', 'l', 2), strpos('hello', '')

-- trim
SELECT trim('  a  '), ltrim('  a'), rtrim('a  '), trim(BOTH 'x' FROM 'xxaxx'), trim(LEADING FROM '  b '), trim(TRAILING 'z' FROM 'azz'), trim('
 a	')

-- padding
SELECT lpad('7', 3, '0'), rpad('ab', 5, 'xy'), lpad('abcdef', 3, '-'), rpad('', 2, 'z')

-- replace
SELECT replace('banana', 'an', 'AN'), replace('banana', 'an'), replace('abc', '', '-'), replace('abc', 'b', '')

-- reverse and repeat
SELECT reverse('abc'), reverse('ü😀'), repeat('ab', 3), repeat('', 5)

-- split
SELECT split('a,b,,c', ','), split('a,b,c', ',', 2), split('', ',')

-- split_part
SELECT split_part('a-b-c', '-', 2), split_part('a-b-c', '-', 5), split_part('abc', '-', 1)

-- split_to_map
SELECT split_to_map('a=1;b=2', ';', '='), split_to_map('', ';', '=')

-- starts_with and others
SELECT starts_with('hello', 'he'), starts_with('hello', ''), starts_with(NULL, 'a')

-- like
SELECT 'abc' LIKE 'a%', 'abc' LIKE '_b_', 'abc' LIKE 'B%', 'a%c' LIKE 'a\%c' ESCAPE '\', 'a%c' LIKE 'a#%c' ESCAPE '#', NULL LIKE 'a', 'x' NOT LIKE 'y'

-- like over lines and astral characters
SELECT 'a
b' LIKE 'a_b', '😀' LIKE '_', '' LIKE '%', '' LIKE '_'

-- like on a column
SELECT id, text FROM every_type WHERE text LIKE '%c%' ORDER BY id

-- translate
SELECT translate('abcd', 'ab', 'xy'), translate('abcd', 'ab', ''), translate('hello', 'l', 'L')

-- code points
SELECT codepoint('ü'), chr(8364), chr(128512), codepoint(CAST('😀' AS varchar(1)))

-- distances
SELECT levenshtein_distance('kitten', 'sitting'), hamming_distance('karolin', 'kathrin'), soundex('Robert')

-- normal forms
SELECT normalize('ö'), length(normalize('ö', NFD)), normalize('ﬁ', NFKC) = 'fi'

-- hexadecimal and base 64
SELECT to_hex(to_utf8('ü')), from_utf8(from_hex('C3BC')), to_base64(X'00ff10'), from_base64('AP8Q'), to_base64url(X'fbff')

-- invalid utf-8
SELECT from_utf8(X'61ff62'), from_utf8(X'61ff62', '?')

-- digests
SELECT to_hex(md5(to_utf8('a'))), to_hex(sha1(to_utf8('a'))), to_hex(sha256(to_utf8('a')))

-- more digests
SELECT to_hex(sha512(to_utf8(''))), crc32(to_utf8('abc')), to_hex(xxhash64(to_utf8('abc')))

-- urls
SELECT url_extract_host('https://u@example.com:81/a/b?x=1&y=%20#f'), url_extract_path('https://example.com/a/b'), url_extract_query('http://e.com/?x=1'), url_extract_port('http://e.com:81/'), url_extract_protocol('https://e.com')

-- url parameters and encoding
SELECT url_extract_parameter('http://e.com/?a=1&b=2', 'b'), url_extract_fragment('http://e.com/#f'), url_encode('a b&ü'), url_decode('a+b%26')

-- words
SELECT word_stem('running'), luhn_check('79927398713')

-- format
SELECT format('%s-%05d-%.2f', 'a', 42, 3.14159e0), format('%,d', 1234567)

-- casts of text
SELECT CAST('abc' AS varchar(2)), CAST(12 AS varchar), CAST('a' AS char(3)), CAST(CAST('a' AS char(3)) AS varchar)

-- text of a table
SELECT id, length(text), upper(text), reverse(text), text || '!' FROM every_type ORDER BY id

-- strings that sort
SELECT text FROM every_type ORDER BY text

-- strings that sort downwards
SELECT text FROM every_type ORDER BY text DESC NULLS FIRST

-- hosts by domain
SELECT split_part("Host", '.', 2) AS domain, count(*) FROM purchases GROUP BY 1 ORDER BY 1
