/**
 * What is wrong with a text that is not one JSON object, and where: the words of `scanObject` (src/model/json-scan.ts). Spark's readers
 * say only that they failed, so the text is cut into tokens by one regular expression, and a fold walks over them with what it needs next
 * and the open brackets. Only malformed records pay for it.
 *
 * `need`: start · name} (a name or the end of an empty object) · name · colon · value] · value · after (a comma or the end) · end ·
 * string and number (one that breaks off here; the next token says how) · !problem.
 */
import { quoted, readMarked } from './json.ts'
import { choose, literal } from './text.ts'

const HEX = '[0-9a-fA-F]'
const INTEGER = '-?(?:0|[1-9][0-9]*+)'
const CHARACTERS = String.raw`(?:[^"\\\x00-\x1F]|\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])${HEX}{4}|u[dD][89abAB]${HEX}{2}\\u[dD][c-fC-F]${HEX}{2}))*+`
const TOKENS = [
  String.raw`[ \t\n\r]++`,
  `"${CHARACTERS}"?+`,
  String.raw`${INTEGER}(?:\.[0-9]++)?+[eE][+-]?+(?![0-9])`,
  String.raw`${INTEGER}\.(?![0-9])`,
  '-(?![0-9])',
  String.raw`${INTEGER}(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+`,
  'true|false|null',
  String.raw`\\u[dD][89abAB]${HEX}{2}\\u(?!${HEX}{4})`,
  String.raw`\\u[dD][89a-fA-F]${HEX}{2}`,
  String.raw`\\u`,
  '.',
].join('|')
/** The walk takes some microseconds a token: of what is larger only the verdict is told. */
const BYTES_MAX = 100_000

/** The detail of a text that is no JSON object (or is nested too deep for Spark). */
export function malformedDetail(text: string): string {
  const tokens = `regexp_extract_all(${text}, ${literal(`(?s)${TOKENS}`)}, 0)`
  const begin = `named_struct('need', 'start', 'open', '', 'i', 0, 'values', CAST(array() AS ARRAY<INT>))`
  const walked = `aggregate(${tokens}, ${begin}, (s, t) -> ${step('s', 't')}, s -> ${told('s', text)})`
  return `IF(octet_length(${text}) <= ${BYTES_MAX}, ${walked}, 'not one JSON object')`
}

/** The state after token `t`; a state that needs `!…` stays. */
function step(s: string, t: string): string {
  const length = `CAST(octet_length(encode(${t}, 'UTF-16BE')) / 2 AS INT)`
  const last = `right(${s}.open, 1)`
  const next = {
    need: `IF(o = 'close', IF(length(${s}.open) = 1, 'end', 'after'), o)`,
    open: choose(
      [
        // White space leaves what is needed as it is, so the token has to be asked as well.
        [`o = 'name}' AND ${t} = '{' OR o = 'value]' AND ${t} = '['`, `concat(${s}.open, ${t})`],
        [`o = 'close'`, `left(${s}.open, length(${s}.open) - 1)`],
      ],
      `${s}.open`,
    ),
    i: `IF(startswith(o, '!'), ${s}.i, ${s}.i + ${length})`,
    values: `IF(${s}.need = 'value' AND ${s}.open = '{' AND ${t} > '!', array_append(${s}.values, ${s}.i), ${s}.values)`,
  }
  const fields = Object.entries(next).map(([name, sql]) => `'${name}', ${sql}`)
  // A lambda over an array of one: the only way to name what a token leads to.
  return `get(transform(array(${outcome(s, t, last)}), o -> named_struct(${fields.join(', ')})), 0)`
}

/** What token `t` leads to: what is needed next, `close`, or a problem. */
function outcome(s: string, t: string, last: string): string {
  const string = (then: string) => `IF(${t} RLIKE ${literal(`(?s)^"${CHARACTERS}"`)}, '${then}', 'string')`
  const need = `${s}.need`
  const broken = choose(
    [
      [`${t} RLIKE ${literal(String.raw`^\\u[dD][89a-fA-F]..\z`)}`, `'!a lone surrogate'`],
      [`startswith(${t}, ${literal('\\u')})`, literal('!an escape \\u without four hex digits')],
      [`startswith(${t}, ${literal('\\')})`, `'!an unknown escape'`],
    ],
    `'!a control character in a string'`,
  )
  const value = choose(
    [
      [`${t} = '{'`, `'name}'`],
      [`${t} = '['`, `'value]'`],
      [`startswith(${t}, '"')`, string('after')],
      [`${t} IN ('true', 'false', 'null') OR ${t} RLIKE '^-?[0-9](?:.*[0-9])?$'`, `'after'`],
      [`${t} RLIKE '^[-0-9]'`, `'number'`],
      [`${t} IN ('t', 'f', 'n')`, `'!an unknown word'`],
    ],
    `'!an unexpected character'`,
  )
  return choose(
    [
      [`startswith(${need}, '!')`, need],
      [`${need} = 'string'`, broken],
      [`${need} = 'number'`, `'!an unexpected character'`],
      [`${t} RLIKE ${literal(String.raw`^[ \t\n\r]`)}`, need],
      [`${need} = 'start'`, `IF(${t} = '{', 'name}', '!not an object')`],
      [`${need} = 'name}' AND ${t} = '}' OR ${need} = 'value]' AND ${t} = ']'`, `'close'`],
      [
        `startswith(${need}, 'name')`,
        `IF(startswith(${t}, '"'), ${string('colon')}, '!expected a name in double quotes')`,
      ],
      [`${need} = 'colon'`, `IF(${t} = ':', 'value', '!expected a colon')`],
      [`${need} = 'end'`, `'!text after the object'`],
      [
        `${need} = 'after'`,
        choose(
          [
            [`${t} = IF(${last} = '{', '}', ']')`, `'close'`],
            [`${t} = ','`, `IF(${last} = '{', 'name', 'value')`],
          ],
          `'!an unexpected character'`,
        ),
      ],
    ],
    value,
  )
}

/** The line that a walk ends with. */
function told(s: string, text: string): string {
  const names = `map_keys(get(${readMarked(text)}, 0))`
  const repeated = `CAST(array_position(transform(${names}, (n, i) -> array_position(${names}, n) <= i), true) AS INT)`
  const twice = `concat('the name ', ${quoted(`substr(get(${names}, ${repeated} - 1), 2)`)}, ' twice at character ', get(${s}.values, ${repeated} - 1) + 1)`
  const problem = choose(
    [
      [`startswith(${s}.need, '!')`, `substr(${s}.need, 2)`],
      [`${s}.need = 'start'`, `'nothing there'`],
      [`startswith(${s}.need, 'name')`, `'expected a name in double quotes'`],
      [`${s}.need = 'colon'`, `'expected a colon'`],
      [`${s}.need = 'string'`, `'a string without end'`],
    ],
    `'an end too early'`,
  )
  return choose(
    [
      [`${s}.need <> 'end'`, `concat(${problem}, ' at character ', ${s}.i + 1)`],
      [`${repeated} > 0`, twice],
    ],
    `'nested too deep'`,
  )
}
