/** Functions of texts and bytes. */
import { readTable } from './table.ts'

/** RFC 3986, appendix B. */
const URL_PARTS = String.raw`'^(?:([^:/?#]+):)?(?://(?:[^/?#@]*@)?([^/?#:]*)(?::(\d+))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$'`
const urlPart = (group: number) => `nullif(regexp_extract($1, ${URL_PARTS}, ${group}), '')`

/** All that trim takes off. */
export const BLANKS = String.raw`E' \t\n\r\x0b\x0c'`

export const TEXT_FUNCTIONS = readTable(String.raw`
lower(1) = lower($1) : $1
upper(1) = upper($1) : $1
trim(1) = trim($1, ${BLANKS}) : $1
ltrim(1) = ltrim($1, ${BLANKS}) : $1
rtrim(1) = rtrim($1, ${BLANKS}) : $1
trim(2) = trim($1, $2) : $1
ltrim(2) = ltrim($1, $2) : $1
rtrim(2) = rtrim($1, $2) : $1
replace(2) = replace($1, $2, '') : $1
replace(3) = replace($1, $2, $3) : varchar
strpos(2) = CAST(strpos($1, $2) AS BIGINT) : bigint
starts_with(2) = starts_with($1, $2) : boolean
split(2) = string_split($1, $2) : [$1]
split(3) = CASE WHEN len(string_split($1, $2)) <= $3 THEN string_split($1, $2) ELSE list_append(list_slice(string_split($1, $2), 1, $3 - 1), array_to_string(list_slice(string_split($1, $2), $3, len(string_split($1, $2))), $2)) END : [$1]
split_part(3) = CASE WHEN $3 > len(string_split($1, $2)) THEN NULL ELSE split_part($1, $2, $3) END : $1
split_to_map(3) = map_from_entries(list_transform(list_filter(string_split($1, $2), lambda pair: pair <> ''), lambda pair: {'k': split_part(pair, $3, 1), 'v': substr(pair, strpos(pair, $3) + length($3))})) : map(varchar, varchar)
lpad(3) = lpad($1, $2, $3) : varchar
rpad(3) = rpad($1, $2, $3) : varchar
chr(1) = chr(CAST($1 AS INTEGER)) : varchar(1)
codepoint(1) = unicode($1) : integer
translate(3) = translate($1, $2, $3) : varchar
levenshtein_distance(2) = CAST(levenshtein($1, $2) AS BIGINT) : bigint
hamming_distance(2) = CAST(hamming($1, $2) AS BIGINT) : bigint
to_utf8(1) = encode($1) : varbinary
from_utf8(1) = decode($1) : varchar
to_hex(1) = hex($1) : varchar
from_hex(1) = from_hex($1) : varbinary
to_base64(1) = to_base64($1) : varchar
from_base64(1) = from_base64($1) : varbinary
md5(1) = unhex(md5($1)) : varbinary
sha1(1) = unhex(sha1($1)) : varbinary
sha256(1) = unhex(sha256($1)) : varbinary
url_encode(1) = replace(replace(replace(url_encode($1), '%20', '+'), '~', '%7E'), '%2A', '*') : varchar
url_decode(1) = url_decode(replace($1, '+', ' ')) : varchar
url_extract_protocol(1) = ${urlPart(1)} : varchar
url_extract_host(1) = ${urlPart(2)} : varchar
url_extract_port(1) = CAST(${urlPart(3)} AS BIGINT) : bigint
url_extract_path(1) = regexp_extract($1, ${URL_PARTS}, 4) : varchar
url_extract_query(1) = ${urlPart(5)} : varchar
url_extract_fragment(1) = ${urlPart(6)} : varchar
url_extract_parameter(2) = url_decode(replace(list_filter(string_split(regexp_extract($1, ${URL_PARTS}, 5), '&'), lambda pair: split_part(pair, '=', 1) = $2)[1][length($2) + 2:], '+', ' ')) : varchar
uuid(0) = gen_random_uuid() : uuid
regexp_like(2) = regexp_matches($1, $2) : boolean
regexp_extract(2) = CASE WHEN regexp_matches($1, $2) THEN regexp_extract($1, $2) END : $1
regexp_extract(3) = CASE WHEN regexp_matches($1, $2) THEN regexp_extract($1, $2, $3) END : $1
regexp_extract_all(2) = regexp_extract_all($1, $2) : [$1]
regexp_extract_all(3) = regexp_extract_all($1, $2, $3) : [$1]
regexp_split(2) = string_split_regex($1, $2) : [$1]
regexp_count(2) = len(regexp_extract_all($1, $2)) : bigint
`)
