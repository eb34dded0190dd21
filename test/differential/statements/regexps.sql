-- regexp_like
SELECT regexp_like('1a 2b', '\d+b'), regexp_like('abc', '^b'), regexp_like('ABC', '(?i)abc'), regexp_like('', '')

-- regexp_extract
SELECT regexp_extract('1a 2b 14m', '\d+'), regexp_extract('1a 2b 14m', '(\d+)([a-z]+)', 2), regexp_extract('abc', '\d')

-- regexp_extract_all
SELECT regexp_extract_all('1a 2b 14m', '\d+'), regexp_extract_all('1a 2b 14m', '(\d+)([a-z]+)', 2), regexp_extract_all('abc', '\d')

-- regexp_replace
SELECT regexp_replace('1a 2b 14m', '\d+[ab] '), regexp_replace('1a 2b', '(\d+)([ab])', '$2$1'), regexp_replace('abc', 'b', '[$0]'), regexp_replace('aaa', 'a', 'b')

-- regexp_replace with a lambda
SELECT regexp_replace('new york', '(\w)(\w*)', x -> upper(x[1]) || lower(x[2]))

-- regexp_split
SELECT regexp_split('1a 2b 14m', '\s*[a-z]+\s*'), regexp_split('abc', ',')

-- regexp_count and regexp_position
SELECT regexp_count('1a 2b 14m', '\s*[a-z]+\s*'), regexp_position('I have 23 apples', '\d+'), regexp_position('abc', '\d')

-- regexps and nulls
SELECT regexp_like(NULL, 'a'), regexp_extract('a', NULL), regexp_replace(NULL, 'a', 'b')

-- classes of unicode
SELECT regexp_like('ü', '\p{L}'), regexp_extract('aÜ1', '\p{Lu}'), regexp_replace('naïve', '[^a-z]', '?')

-- groups that do not match
SELECT regexp_extract('b', '(a)?b', 1), regexp_extract('foobar', 'foo(?=bar)')

-- named groups in a replacement
SELECT regexp_replace('2021-07-30', '(?<y>\d+)-(?<m>\d+)-(?<d>\d+)', '${d}.${m}.${y}')

-- an escaped dollar
SELECT regexp_replace('cost 5', '(\d)', '\$$1')

-- hosts by a pattern
SELECT regexp_extract("Host", '^([a-z]+)\d*\.', 1) AS who, count(*) FROM guilds GROUP BY 1 ORDER BY 2 DESC, 1
