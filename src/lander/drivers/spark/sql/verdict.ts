/**
 * The verdict of docs/formats/types.md as one expression over marked JSON: the same words and the same order as `checkEvent`
 * (src/model/check-event.ts). What a plan says comes from a constant (plan-data.ts), so one expression serves all properties.
 */
import { TIME_MAX_MICROS, TIME_MIN_MICROS } from '../../../../model/time.ts'
import { isString, member, NULL, quoted, shortened, sourceOf } from './json.ts'
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
  const type = member(fields, 'event_type')
  const each = `transform(${properties}, p -> named_struct('p', p, 'x', ${fields}[p.n]))`
  const first = `aggregate(${each}, CAST(NULL AS ${FAULT}), (f, e) -> coalesce(f, ${propertyFault('e.x', 'e.p')}))`
  const name = `'event_type'`
  return choose(
    [
      [`${fields} IS NULL`, fault('malformed_json', 'CAST(NULL AS STRING)')],
      [`${type} IS NULL`, fault('missing', name)],
      [`NOT ${isString(type)}`, fault('type', name, `'a string'`)],
      [`${properties} IS NULL`, fault('unknown_event_type', name)],
    ],
    first,
  )
}

/** `x`: the marked value, NULL when absent; `p`: what the plan says. What most properties are is asked first. */
function propertyFault(x: string, p: string): string {
  const name = `substr(${p}.n, 2)`
  const long = `try_cast(${x} AS BIGINT)`
  const double = `try_cast(${x} AS DOUBLE)`
  const micros = microsOf(x)
  const wrong = (reason: string, expected: string) => fault(reason, name, expected)
  const mustBe = (isKind: string, kind: string, rest: [string, string][] = []) =>
    choose([[`NOT ${isKind}`, wrong('type', `'${kind}'`)], ...rest])
  // The bound stands first: where it is NULL, Spark does not look at the value.
  const bounds = (value: string, type: string): [string, string][] => [
    [`try_cast(${p}.lo AS ${type}) > ${value}`, wrong('range', `concat('at least ', ${p}.lo)`)],
    [`try_cast(${p}.hi AS ${type}) < ${value}`, wrong('range', `concat('at most ', ${p}.hi)`)],
  ]
  const oneOf = `array_join(transform(${p}.o, o -> ${quoted(shortened('o'))}), ', ')`
  const byType: [number, string][] = [
    [
      typeCode.string,
      mustBe(isString(x), 'a string', [
        [`contains(${x}, chr(0))`, wrong('value', `'a text without U+0000'`)],
        [`NOT array_contains(${p}.o, substr(${x}, 2))`, wrong('value', `concat('one of ', ${oneOf})`)],
        [`${p}.a > length(${x}) - 1`, wrong('range', `concat('at least ', ${p}.a, ' characters')`)],
        [`${p}.z < length(${x}) - 1`, wrong('range', `concat('at most ', ${p}.z, ' characters')`)],
      ]),
    ],
    [
      typeCode.long,
      choose([
        // A string would be cast as well.
        [isString(x), wrong('type', `'an integer'`)],
        [
          `${long} IS NULL`,
          `IF(${x} RLIKE '^-?[0-9]+ ', ${wrong('range', `'a 64-bit integer'`)}, ${wrong('type', `'an integer'`)})`,
        ],
        ...bounds(long, 'BIGINT'),
      ]),
    ],
    [
      typeCode.double,
      choose([
        [`${isString(x)} OR ${double} IS NULL`, wrong('type', `'a number'`)],
        [`abs(${double}) = DOUBLE('Infinity')`, wrong('range', `'a finite double'`)],
        ...bounds(double, 'DOUBLE'),
      ]),
    ],
    [typeCode.boolean, mustBe(`${x} IN ('true ', 'false ')`, 'a boolean')],
    [typeCode.array, mustBe(`startswith(${x}, '[')`, 'an array')],
    [typeCode.object, mustBe(`startswith(${x}, '{')`, 'an object')],
    [
      typeCode.timestamptz,
      mustBe(isString(x), 'a string', [
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
      mustBe(isString(x), 'a string', [[`NOT ${isDate(x)}`, wrong('value', `'a date such as 2021-07-30'`)]]),
    ],
    [
      typeCode.decimal,
      mustBe(isString(x), 'a decimal as a JSON string', [
        [
          `NOT ${x} RLIKE ${literal('^ -?[0-9]+(?:\\.[0-9]+)?\\z')}`,
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
      [`${p}.t = ${typeCode.anything} OR (${p}.u AND ${x} = ${NULL})`, 'NULL'],
    ],
    `CASE ${p}.t ${kinds} END`,
  )
}

/** The line for a person, in the words of `checkEvent`. `raw`: the event's text; `fault`: a STRUCT of `faultOf`; NULL without one. */
export function detailOf(fault: string, raw: string, fields: string, malformed: string): string {
  const field = `concat(' ', ${fault}.field)`
  const x = `${fields}[${field}]`
  const source = sourceOf(raw, `array_position(map_keys(${fields}), ${field})`)
  const shown = choose(
    [
      [`startswith(${x}, '[')`, `'an array'`],
      [`startswith(${x}, '{')`, `'an object'`],
      [isString(x), shortened(`concat('"', ${source}, '"')`)],
    ],
    shortened(`rtrim(${x})`),
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
