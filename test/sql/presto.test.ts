import { expect, test } from 'vitest'
import { fromPrestoError, fromPrestoType, fromPrestoValue } from '../../src/sql/drivers/presto.ts'
import type { WireError } from '../../src/sql/trino-protocol.ts'
import { parseTrinoType } from '../../src/sql/trino-types.ts'

test.each([
  ['timestamp with time zone', 'timestamp(3) with time zone'],
  ['timestamp', 'timestamp(3)'],
  ['decimal(5,2)', 'decimal(5, 2)'],
  ['row("a" integer, "b c" array(decimal(2,1)))', 'row(a integer, "b c" array(decimal(2, 1)))'],
  ['map(varchar(1), timestamp)', 'map(varchar(1), timestamp(3))'],
  ['interval day to second', 'interval day to second'],
])('%s of Presto is %s', (theirs, ours) => expect(fromPrestoType(theirs)).toBe(ours))

test.each([
  ['line 1:15: Table hive.default.x does not exist', 'TABLE_NOT_FOUND'],
  ["line 1:8: Column 'bad' cannot be resolved", 'COLUMN_NOT_FOUND'],
  ["line 1:10: mismatched input 'x'", 'SYNTAX_ERROR'],
])('%s is told as %s', (message, name) => {
  const error: WireError = { message, errorCode: 1, errorName: 'SYNTAX_ERROR', errorType: 'USER_ERROR' }
  expect(fromPrestoError(error).errorName).toBe(name)
})

// As PrestoDB 0.287 sends them.
test.each([
  ['array(integer)', '[ 1, null, 3 ]', [1, null, 3]],
  ['array(varchar(3))', '[ "a", "b\\"c" ]', ['a', 'b"c']],
  ['array(array(integer))', '[ "[ 1 ]" ]', [[1]]],
  ['map(varchar(1), bigint)', '{\n  "k" : 9223372036854775807\n}', { k: 9223372036854775807n }],
  ['row(a integer, "b c" array(decimal(2, 1)))', '[ 1, "[ \\"1.5\\" ]" ]', [1, ['1.5']]],
  [
    'array(map(varchar(1), row(integer, varchar(1))))',
    '[ "{\\n  \\"x\\" : \\"[ 1, \\\\\\"y\\\\\\" ]\\"\\n}" ]',
    [{ x: [1, 'y'] }],
  ],
  ['varchar', '[ 1 ]', '[ 1 ]'],
  ['json', '{"a":1}', '{"a":1}'],
])('a %s comes out of its text', (type, sent, value) =>
  expect(fromPrestoValue(sent, parseTrinoType(type))).toEqual(value),
)
