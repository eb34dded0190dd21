/** Columns, types and values of the protocol, as a real Trino 476 was seen to write them. */
import { expect, test } from 'vitest'
import { parseExact } from '../../../src/sql/json.ts'
import type { Value } from '../../../src/sql/sql.ts'
import { fromWireValue, parseTrinoType } from '../../../src/sql/trino-types.ts'
import { createPageWriter } from '../../../src/sql/wire/trino/page-writer.ts'

const long = (value: number) => ({ kind: 'LONG', value })
const type = (rawType: string, ...args: unknown[]) => ({ rawType, arguments: args })
const inner = (value: unknown) => ({ kind: 'TYPE', value })
const named = (name: string, typeSignature: unknown) => ({
  kind: 'NAMED_TYPE',
  value: { fieldName: { name }, typeSignature },
})
const VARCHAR = type('varchar', long(2147483647))

const CASES: [name: string, signature: unknown, value: Value, json: string][] = [
  ['bigint', type('bigint'), 9223372036854775807n, '9223372036854775807'],
  ['tinyint', type('tinyint'), -7, '-7'],
  ['boolean', type('boolean'), true, 'true'],
  ['double', type('double'), Number.NaN, '"NaN"'],
  ['double', type('double'), Number.NEGATIVE_INFINITY, '"-Infinity"'],
  ['real', type('real'), 1.5, '1.5'],
  ['decimal(3, 2)', type('decimal', long(3), long(2)), '1.10', '"1.10"'],
  ['varchar(25)', type('varchar', long(25)), 'ü😀', '"ü😀"'],
  ['varchar', VARCHAR, 'a"b', '"a\\"b"'],
  ['char(3)', type('char', long(3)), 'a  ', '"a  "'],
  ['varbinary', type('varbinary'), 'AP8=', '"AP8="'],
  ['date', type('date'), '2026-01-01', '"2026-01-01"'],
  ['time(0)', type('time', long(0)), '01:02:03', '"01:02:03"'],
  [
    'time(3) with time zone',
    type('time with time zone', long(3)),
    '01:02:03.000+01:00',
    '"01:02:03.000+01:00"',
  ],
  ['timestamp(6)', type('timestamp', long(6)), '2026-01-01 00:00:00.123456', '"2026-01-01 00:00:00.123456"'],
  [
    'timestamp(0) with time zone',
    type('timestamp with time zone', long(0)),
    '2026-01-01 00:00:00 Europe/Rome',
    '"2026-01-01 00:00:00 Europe/Rome"',
  ],
  ['array(integer)', type('array', inner(type('integer'))), [1, null], '[1,null]'],
  ['array(double)', type('array', inner(type('double'))), [1, Number.NaN], '[1,"NaN"]'],
  [
    'map(varchar(1), integer)',
    type('map', inner(type('varchar', long(1))), inner(type('integer'))),
    { k: 1 },
    '{"k":1}',
  ],
  [
    'row(a integer, "B c" varchar)',
    type('row', named('a', type('integer')), named('B c', VARCHAR)),
    { a: 9007199254740993n, 'B c': null },
    '[9007199254740993,null]',
  ],
  [
    'array(row(a map(varchar, array(bigint))))',
    type(
      'array',
      inner(
        type('row', named('a', type('map', inner(VARCHAR), inner(type('array', inner(type('bigint'))))))),
      ),
    ),
    [{ a: { x: [1, 9007199254740993n] } }, null],
    '[[{"x":[1,9007199254740993]}],null]',
  ],
  ['json', type('json'), '{"a":1}', '"{\\"a\\":1}"'],
  ['uuid', type('uuid'), '12151fd2-7586-11e9-8f9e-2a86e4085a59', '"12151fd2-7586-11e9-8f9e-2a86e4085a59"'],
  ['ipaddress', type('ipaddress'), '::1', '"::1"'],
  ['interval day to second', type('interval day to second'), '1 00:00:00.000', '"1 00:00:00.000"'],
  ['interval year to month', type('interval year to month'), '1-2', '"1-2"'],
  ['HyperLogLog', type('HyperLogLog'), 'AgwBAIADRAA=', '"AgwBAIADRAA="'],
  ['unknown', type('unknown'), null, 'null'],
]

test.each(CASES)('%s', (name, signature, value, json) => {
  const writer = createPageWriter([{ name: 'x', type: name }], true)
  const written = name.replace(/^interval .*/, (interval) => interval.toUpperCase())
  expect(writer.columns).toEqual([{ name: 'x', type: written, typeSignature: signature }])
  expect(writer.row([value])).toBe(`[${json}]`)
  expect(writer.row([null])).toBe('[null]')
  expect(fromWireValue(parseExact(json) as Value, parseTrinoType(name))).toEqual(value)
})

const OLD: [name: string, oldName: string, value: Value, json: string][] = [
  ['timestamp(6)', 'timestamp', '2026-01-01 00:00:00.123456', '"2026-01-01 00:00:00.123"'],
  [
    'timestamp(9) with time zone',
    'timestamp with time zone',
    '2026-01-01 00:00:00.123456789 Europe/Rome',
    '"2026-01-01 00:00:00.123 Europe/Rome"',
  ],
  ['time(6)', 'time', '01:02:03.123456', '"01:02:03.123"'],
  ['time(0)', 'time', '01:02:03', '"01:02:03.000"'],
  [
    'timestamp(1) with time zone',
    'timestamp with time zone',
    '2026-01-01 00:00:00.5 +05:30',
    '"2026-01-01 00:00:00.500 +05:30"',
  ],
  ['array(timestamp(6))', 'array(timestamp)', ['2026-01-01 00:00:00.123456'], '["2026-01-01 00:00:00.123"]'],
  [
    'row(a time(6), b map(timestamp(6), bigint))',
    'row(a time, b map(timestamp, bigint))',
    { a: '01:02:03.123456', b: { '2026-01-01 00:00:00.123456': 1 } },
    '["01:02:03.123",{"2026-01-01 00:00:00.123":1}]',
  ],
]

test.each(OLD)('%s comes as %s to a client that knows no precision', (name, oldName, value, json) => {
  const writer = createPageWriter([{ name: 'x', type: name }], false)
  expect(writer.columns[0]!.type).toBe(oldName)
  expect(JSON.stringify(writer.columns)).not.toContain('LONG')
  expect(writer.row([value])).toBe(`[${json}]`)
})

test('values are written as a real Trino writes them: reals short, zeros with their sign, rows without names', () => {
  const writer = createPageWriter(
    [
      { name: 'r', type: 'real' },
      { name: 'z', type: 'double' },
      { name: 'row', type: 'row(integer, array(real))' },
    ],
    true,
  )
  expect(
    writer.row([Math.fround(0.1), -0, { field0: 1, field1: [Math.fround(3.4028234663852886e38)] }]),
  ).toBe('[0.1,-0.0,[1,[3.4028235e+38]]]')
})

test('the type of an interval is in capitals, its signature is not', () => {
  const [column] = createPageWriter([{ name: 'i', type: 'array(interval day to second)' }], true).columns
  expect(column).toMatchObject({
    type: 'array(INTERVAL DAY TO SECOND)',
    typeSignature: { arguments: [{ value: { rawType: 'interval day to second' } }] },
  })
})
