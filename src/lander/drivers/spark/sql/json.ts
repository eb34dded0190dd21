/**
 * JSON in Spark SQL, read strictly and with the source text of its numbers.
 *
 * Spark's readers of JSON forget how a number was written, take the last of two equal names and ignore what follows a document. So
 * the text is **marked** before it is read: one regular expression makes a string of every scalar, and only a well-formed
 * one; whatever it leaves as it was is no JSON, and `from_json` says so.
 *
 *   "text"  → " text"      12.50 → "12.50 "      true → "true "      null → "null "
 *
 * Then `from_json` reads an array of the marked text and of one object more, whose name `e` no marked text can have: when both are
 * there, and nothing else, the text was one whole object. Its map keeps every name, the repeated ones too. A value's first
 * character tells its kind: a blank a string, `[` array, `{` object, else the word or the number itself.
 */
import { choose, literal } from './text.ts'

/** The characters of a JSON string between its quotes. Possessive, so that Java's matcher neither backtracks nor recurses. */
const CHARACTERS = String.raw`[^"\\]*+(?:\\.[^"\\]*+)*+`
const NUMBER = String.raw`-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+`
/** Each match begins where the last one ended, so nothing inside a string is taken for a scalar. No number is a name. */
const SCALAR = String.raw`(?s)\G([^"0-9tfn-]*+)(?:"(${CHARACTERS})"|((?:${NUMBER}|true|false|null)(?![ \t\n\r]*+:)))`
const MARKED = '$1"$3 $2"'

const OPTIONS = `map('allowSingleQuotes', 'false', 'allowNonNumericNumbers', 'false', 'maxNestingDepth', '2147483647', 'maxNumLen', '2147483647', 'maxStringLen', '2147483647')`

function mark(text: string): string {
  return `regexp_replace(${text}, ${literal(SCALAR)}, ${literal(MARKED)})`
}

/** The two objects that `text` (any string) is read as, array<map<string, string>>; see `isObject`. */
export function readMarked(text: string): string {
  return `from_json(concat('[', ${mark(text)}, ',{"e":"e"}]'), 'array<map<string,string>>', ${OPTIONS})`
}

/**
 * Whether what `readMarked` gave is one JSON object, with no name twice at its top. Never NULL. (Elements by `get`: Spark may compute what
 * stands behind an AND before it, and `[0]` of an empty array is an error.)
 */
export function isObject(read: string): string {
  const names = `map_keys(get(${read}, 0))`
  return `coalesce(size(${read}) = 2 AND map_contains_key(get(${read}, 1), 'e') AND size(array_distinct(${names})) = size(${names}), false)`
}

/** Whether a document (that is one object) has an escape of half a surrogate pair. */
export function hasLoneSurrogate(text: string): string {
  const half = String.raw`\\u[dD][89a-fA-F]`
  // Escapes are taken away from left to right; halves that are no pair stay.
  const other = String.raw`(?s)\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u(?![dD][89a-fA-F])|[^u])`
  return `CASE WHEN ${text} RLIKE ${literal(half)} THEN regexp_replace(${text}, ${literal(other)}, ' ') RLIKE ${literal(half)} ELSE false END`
}

/** A flat text → text map of an object nobody cares much about (request headers); NULL when it is none. */
export function readTexts(text: string): string {
  return `from_json(${text}, 'map<string,string>', ${OPTIONS})`
}

/** JSON text of a marked array or object, as it was sent but for white space and the spelling of escapes. */
function unmark(marked: string): string {
  const scalar = String.raw`(?s)(") (${CHARACTERS}")|"([^" ]++) "`
  return `regexp_replace(${marked}, ${literal(scalar)}, '$1$2$3')`
}

/** A marked null. */
export const NULL = `'null '`

/** A member of a marked object. */
export function member(fields: string, name: string): string {
  return `${fields}[${literal(` ${name}`)}]`
}

export function isString(marked: string): string {
  return `startswith(${marked}, ' ')`
}

const IS_NESTED = String.raw`^[\[{]`

/** A marked value as text: a string as it stands, anything else as its JSON text, null as NULL. */
export function asText(marked: string): string {
  return choose([
    [isString(marked), `substr(${marked}, 2)`],
    [`${marked} RLIKE ${literal(IS_NESTED)}`, unmark(marked)],
    [`${marked} <> ${NULL}`, `rtrim(${marked})`],
  ])
}

/** A marked value as JSON text, null as NULL. */
export function asJson(marked: string): string {
  return choose([
    [isString(marked), toJson(`substr(${marked}, 2)`)],
    [`${marked} RLIKE ${literal(IS_NESTED)}`, unmark(marked)],
    [`${marked} <> ${NULL}`, `rtrim(${marked})`],
  ])
}

function toJson(text: string): string {
  return `substr(to_json(array(${text})), 2, length(to_json(array(${text}))) - 2)`
}

/** A string as `JSON.stringify` writes it: Spark's escapes have capital digits. */
export function quoted(text: string): string {
  const escapes = String.raw`(?s)\\u[0-9A-F]{4}|\\.|[^\\]+`
  return `array_join(transform(regexp_extract_all(${toJson(text)}, ${literal(escapes)}, 0), e -> IF(e LIKE ${literal('\\\\u%')}, lower(e), e)), '')`
}

/**
 * The source text, between the quotes, of the string that is the `at`-th member (from 1) of the object `text`. Escapes are escaped once
 * more before reading; this costs a second reading, so only a fault's detail asks for it.
 */
export function sourceOf(text: string, at: string): string {
  const escape = String.raw`(?s)(\\)(?:(?=["\\])(?<=(\\)).|.)`
  const kept = `regexp_replace(${text}, ${literal(escape)}, ${literal('$1$2$0')})`
  return `substr(get(map_values(get(${readMarked(kept)}, 0)), CAST(${at} AS INT) - 1), 2)`
}

/** At most 60 UTF-16 units of a text, as JavaScript cuts it, and `…` behind what was cut. */
export function shortened(text: string): string {
  const bytes = `encode(${text}, 'UTF-16BE')`
  const half = `hex(substring(${bytes}, 119, 1)) BETWEEN 'D8' AND 'DB'`
  const cut = `IF(${half}, concat(decode(substring(${bytes}, 1, 118), 'UTF-16BE'), '\\uFFFD'), decode(substring(${bytes}, 1, 120), 'UTF-16BE'))`
  return `CASE WHEN length(${text}) <= 30 OR octet_length(${bytes}) <= 120 THEN ${text} ELSE concat(${cut}, '…') END`
}

/** Bytes as text that can be read and told apart (src/lander/readable.ts). */
export function readable(bytes: string): string {
  const tail = String.raw`[\x80-\xBF]`
  const character = [
    String.raw`[\x20-\x7E]++`,
    String.raw`[\xC2-\xDF]${tail}`,
    String.raw`\xE0[\xA0-\xBF]${tail}`,
    String.raw`[\xE1-\xEC\xEE\xEF]${tail}{2}`,
    String.raw`\xED[\x80-\x9F]${tail}`,
    String.raw`\xF0[\x90-\xBF]${tail}{2}`,
    String.raw`[\xF1-\xF3]${tail}{3}`,
    String.raw`\xF4[\x80-\x8F]${tail}{2}`,
  ].join('|')
  const isByte = `length(c) = 1 AND NOT c RLIKE ${literal(String.raw`[\x20-\x7E]`)}`
  const one = `IF(${isByte}, concat(${literal('\\x')}, lower(hex(encode(c, 'ISO-8859-1')))), decode(encode(c, 'ISO-8859-1'), 'UTF-8'))`
  return `array_join(transform(regexp_extract_all(decode(${bytes}, 'ISO-8859-1'), ${literal(`(?s)${character}|.`)}, 0), c -> ${one}), '')`
}
