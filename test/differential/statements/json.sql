-- json_extract
SELECT json_extract('{"a": {"b": [1, 2, {"c": "x"}]}}', '$.a.b[2].c'), json_extract('{"a": 1}', '$.b'), json_extract('[1, 2]', '$[1]')

-- json_extract_scalar
SELECT json_extract_scalar('{"a": "x", "n": 1.50, "t": true, "z": null, "o": {}}', '$.a'), json_extract_scalar('{"n": 1.50}', '$.n'), json_extract_scalar('{"t": true}', '$.t'), json_extract_scalar('{"z": null}', '$.z'), json_extract_scalar('{"o": {}}', '$.o')

-- paths with brackets and quotes
SELECT json_extract_scalar('{"a b": 1, "c-d": 2}', '$["a b"]'), json_extract_scalar('{"c-d": 2}', '$["c-d"]'), json_extract_scalar('{"User-Agent": "x"}', '$["User-Agent"]')

-- json_parse and json_format
SELECT json_parse('{"b":1,"a":[1, 2]}'), json_format(json_parse('{"b": 1, "a": null}')), json_format(JSON '"x"')

-- json arrays
SELECT json_array_length('[1, 2, 3]'), json_array_get('["a", "b"]', 1), json_array_get('[1, 2]', -1), json_array_contains('[1, 2]', 2), json_array_length('{}')

-- json sizes
SELECT json_size('{"a": {"b": 1, "c": 2}}', '$.a'), json_size('[1,2,3]', '$'), json_size('{"a": 1}', '$.a')

-- casts to json
SELECT CAST(1 AS json), CAST('x' AS json), CAST(true AS json), CAST(1.5 AS json), CAST(ARRAY[1, NULL] AS json), CAST(MAP(ARRAY['a'], ARRAY[1]) AS json), CAST(NULL AS json)

-- rows to json
SELECT CAST(ROW(1, 'a') AS json), CAST(CAST(ROW(1, 'a') AS row(x integer, y varchar)) AS json)

-- dates to json
SELECT CAST(DATE '2020-01-01' AS json), CAST(TIMESTAMP '2020-01-01 00:00:00' AS json), json_format(CAST(1e0 AS json))

-- casts from json
SELECT CAST(JSON '1' AS integer), CAST(JSON '"x"' AS varchar), CAST(JSON '[1, 2]' AS array(integer)), CAST(JSON '{"a": 1}' AS map(varchar, integer)), CAST(JSON 'null' AS integer), CAST(JSON '1.5' AS double)

-- json rows
SELECT CAST(JSON '{"x": 1, "y": "b"}' AS row(x integer, y varchar)), CAST(JSON '[1, "b"]' AS row(x integer, y varchar))

-- is_json_scalar
SELECT is_json_scalar('1'), is_json_scalar('[1]'), is_json_scalar('"x"')

-- unicode in json
SELECT json_extract_scalar('{"a": "\u00fc\ud83d\ude00"}', '$.a'), json_format(json_parse('"ü"')), json_extract_scalar('{"ü": "ö"}', '$.ü')

-- big numbers in json
SELECT json_extract('{"a": 9223372036854775807}', '$.a'), json_extract_scalar('{"a": 12345678901234567890}', '$.a'), json_extract('{"a": 1e5}', '$.a')

-- malformed json gives null
SELECT json_extract('{a', '$.a'), json_extract_scalar('not json', '$.a'), json_array_length('[1')

-- json_exists
SELECT json_exists('{"a": 1}', 'lax $.a'), json_exists('{"a": 1}', 'lax $.b')

-- json_value
SELECT json_value('{"a": "x"}', 'lax $.a'), json_value('{"a": 5}', 'lax $.a' RETURNING integer), json_value('{"a": 1}', 'lax $.b' DEFAULT 'none' ON EMPTY)

-- json_query
SELECT json_query('{"a": [1, 2]}', 'lax $.a'), json_query('{"a": [1, 2]}', 'lax $.a[*]' WITH ARRAY WRAPPER)

-- json_object and json_array
SELECT json_object('a' : 1, 'b' : 'x'), json_array(1, 'x', true)

-- raw events
SELECT json_extract_scalar(raw_event, '$.n') AS n, json_extract(raw_event, '$.items') AS items, json_array_length(json_extract(raw_event, '$.items')) FROM purchases ORDER BY CAST(json_extract_scalar(raw_event, '$.n') AS bigint) LIMIT 3

-- json in a group
SELECT json_extract_scalar(raw_event, '$.items[0]') AS kind, count(*) FROM purchases GROUP BY 1
