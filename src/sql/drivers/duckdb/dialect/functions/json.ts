/** Functions of JSON. */
import { readTable } from './table.ts'

export const JSON_FUNCTIONS = readTable(String.raw`
json_parse(1) = json($1) : json
json_format(1) = CAST($1 AS VARCHAR) : varchar
json_array_length(1) = CASE WHEN json_valid($1) AND json_type($1) = 'ARRAY' THEN CAST(json_array_length($1) AS BIGINT) END : bigint
json_array_get(2) = CASE WHEN json_valid($1) THEN json_extract_string($1, CASE WHEN $2 < 0 THEN '$[#' || $2 || ']' ELSE '$[' || $2 || ']' END) END : json
json_array_contains(2) = CASE WHEN json_valid($1) AND json_type($1) = 'ARRAY' THEN list_contains(CAST(json_extract($1, '$[*]') AS VARCHAR[]), CAST(to_json($2) AS VARCHAR)) END : boolean
is_json_scalar(1) = json_type($1) NOT IN ('OBJECT', 'ARRAY') : boolean
`)
