/**
 * The verdict of docs/formats/types.md as one expression over marked JSON: the same words and the same order as `checkEvent`
 * (src/model/check-event.ts). What a plan says comes from a constant (plan-data.ts), so one expression serves all properties.
 */
import { TIME_MAX_MICROS, TIME_MIN_MICROS } from '../../../../model/time.ts'
import { quoted, shortened, sourceOf } from './json.ts'
import { typeCode } from './plan-data.ts'
import { choose, literal } from './text.ts'
import { isDate, isTime, microsOf } from './values.ts'

/** STRUCT of a fault; `expected` is NULL where the detail is not "expected …, found …". */
const FAULT = 'STRUCT<reason: STRING, field: STRING, expected: STRING>'

function fault(reason: string, field: string, expected = 'CAST(NULL AS STRING)'): string {
  return `named_struct('reason', '${reason}', 'field', ${field}, 'expected', ${expected})`
}

/**
 * The first fault of an event, or NULL. `fields`: its marked members; `properties`: the list of its event in the plan, NULL when
 * the plan has no such event.
 */
export function faultOf(fields: string, properties: string): string {
  const type = `${fields}['_event_type']`
  const each = `transform(map_entries(${properties}), e -> named_struct('n', e.key, 'x', ${fields}[e.key], 'p', e.value))`
  const first = `aggregate(${each}, CAST(NULL AS ${FAULT}), (f, e) -> coalesce(f, ${propertyFault('e')}))`
  const name = `'event_type'`
  return choose(
    [
      [`${fields} IS NULL`, fault('malformed_json', 'CAST(NULL AS STRING)')],
      [`${type} IS NULL`, fault('missing', name)],
      [`NOT startswith(${type}, '_')`, fault('type', name, `'a string'`)],
      [`${properties} IS NULL`, fault('unknown_event_type', name)],
    ],
    first,
  )
}

/** `e`: n (marked name), x (marked value, NULL when absent), p (what the plan says). */
function propertyFault(e: string): string {
  const x = `${e}.x`
  const p = `${e}.p`
  const name = `substr(${e}.n, 2)`
  const number = `rtrim('_', ${x})`
  const long = `try_cast(${number} AS BIGINT)`
  const double = `try_cast(${number} AS DOUBLE)`
  const micros = microsOf(x)
  const wrong = (reason: string, expected: string) => fault(reason, name, expected)
  const ofKind = (isKind: string, kind: string, rest: [string, string][] = []) =>
    choose([[`NOT ${isKind}`, wrong('type', `'${kind}'`)], ...rest])
  const isString = `startswith(${x}, '_')`
  const bounds = (value: string, type: string): [string, string][] => [
    [`${value} < try_cast(${p}.lo AS ${type})`, wrong('range', `concat('at least ', ${p}.lo)`)],
    [`${value} > try_cast(${p}.hi AS ${type})`, wrong('range', `concat('at most ', ${p}.hi)`)],
  ]
  const byType: [number, string][] = [
    [
      typeCode.string,
      ofKind(isString, 'a string', [
        [`contains(${x}, chr(0))`, wrong('value', `'a text without U+0000'`)],
        [
          `NOT array_contains(${p}.o, substr(${x}, 2))`,
          wrong(
            'value',
            `concat('one of ', array_join(transform(${p}.o, o -> ${quoted(shortened('o'))}), ', '))`,
          ),
        ],
        [`length(${x}) - 1 < ${p}.a`, wrong('range', `concat('at least ', ${p}.a, ' characters')`)],
        [`length(${x}) - 1 > ${p}.z`, wrong('range', `concat('at most ', ${p}.z, ' characters')`)],
      ]),
    ],
    [
      typeCode.long,
      ofKind(`${x} RLIKE ${literal('^-?[0-9]+_\\z')}`, 'an integer', [
        [`${long} IS NULL`, wrong('range', `'a 64-bit integer'`)],
        ...bounds(long, 'BIGINT'),
      ]),
    ],
    [
      typeCode.double,
      ofKind(`${x} RLIKE '^[-0-9]'`, 'a number', [
        [`abs(${double}) = DOUBLE('Infinity')`, wrong('range', `'a finite double'`)],
        ...bounds(double, 'DOUBLE'),
      ]),
    ],
    [typeCode.boolean, ofKind(`${x} IN ('true_', 'false_')`, 'a boolean')],
    [typeCode.array, ofKind(`startswith(${x}, '[')`, 'an array')],
    [typeCode.object, ofKind(`startswith(${x}, '{')`, 'an object')],
    [
      typeCode.timestamptz,
      ofKind(isString, 'a string', [
        [
          `NOT ${isTime(x)}`,
          wrong('value', `'an RFC 3339 time with an offset such as 2021-07-30T18:43:03.611Z'`),
        ],
        [
          `NOT ${micros} BETWEEN ${TIME_MIN_MICROS} AND ${TIME_MAX_MICROS}`,
          wrong('range', `'a time in the years 1 to 9999'`),
        ],
      ]),
    ],
    [
      typeCode.date,
      ofKind(isString, 'a string', [[`NOT ${isDate(x)}`, wrong('value', `'a date such as 2021-07-30'`)]]),
    ],
    [
      typeCode.decimal,
      ofKind(isString, 'a decimal as a JSON string', [
        [
          `NOT ${x} RLIKE ${literal('^_-?[0-9]+(?:\\.[0-9]+)?\\z')}`,
          wrong('value', literal('a decimal such as "12.50"')),
        ],
        [
          `contains(${x}, '.') AND length(substring_index(${x}, '.', -1)) > ${p}.s`,
          wrong('range', `concat('at most ', ${p}.s, ' digits after the point')`),
        ],
        [
          `length(ltrim('0', ltrim('-', substr(substring_index(${x}, '.', 1), 2)))) > ${p}.w`,
          wrong('range', `concat('at most ', ${p}.w, ' digits before the point')`),
        ],
      ]),
    ],
  ]
  const kinds = byType.map(([code, check]) => `WHEN ${code} THEN ${check}`).join(' ')
  return choose(
    [
      [`${x} IS NULL`, `IF(${p}.r, ${fault('missing', name)}, NULL)`],
      [`${p}.t = ${typeCode.anything} OR (${p}.u AND ${x} = 'null_')`, 'NULL'],
    ],
    `CASE ${p}.t ${kinds} END`,
  )
}

/** The line for a person, in the words of `checkEvent`. `raw`: the event's text; `fault`: a STRUCT of `faultOf`; NULL without one. */
export function detailOf(fault: string, raw: string, fields: string, malformed: string): string {
  const field = `concat('_', ${fault}.field)`
  const x = `${fields}[${field}]`
  const source = sourceOf(raw, `array_position(map_keys(${fields}), ${field})`)
  const shown = choose(
    [
      [`startswith(${x}, '[')`, `'an array'`],
      [`startswith(${x}, '{')`, `'an object'`],
      [`startswith(${x}, '_')`, shortened(`concat('"', ${source}, '"')`)],
    ],
    shortened(`rtrim('_', ${x})`),
  )
  const name = quoted(shortened(`substr(${x}, 2)`))
  const detail = choose(
    [
      [`${fault} IS NULL`, 'CAST(NULL AS STRING)'],
      [`${fault}.reason = 'malformed_json'`, malformed],
      [`${fault}.reason = 'missing'`, `concat(${fault}.field, ' is not there')`],
      [`${fault}.reason = 'unknown_event_type'`, `concat('no event ', ${name}, ' in the plan')`],
    ],
    `concat('expected ', ${fault}.expected, ', found ', ${shown})`,
  )
  // The one control character that no JSON escapes.
  return `replace(${detail}, chr(127), ${literal('\\x7f')})`
}
