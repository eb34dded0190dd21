import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchesLike, parseCommand } from '../../src/sql/commands.ts'
import { parseExact, stringifyExact } from '../../src/sql/json.ts'
import { indexOfByte, lineColumnAt, nearestName, splitStatements } from '../../src/sql/text.ts'
import { fromWireError, toWireError } from '../../src/sql/trino-errors.ts'
import { fromWireValue, parseTrinoType, typeSignature, wireConverter } from '../../src/sql/trino-types.ts'

describe('statements of a text', () => {
  const split = (text: string) => splitStatements(text).map(({ sql, ended }) => [sql, ended])

  test('end with ; but not inside quotes and comments', () => {
    expect(split('a;b')).toEqual([
      ['a', true],
      ['b', false],
    ])
    expect(split(`select ';', ";" -- ;\n/* ; /* ; */ ; */ from t ; `)).toEqual([
      [`select ';', ";" -- ;\n/* ; /* ; */ ; */ from t`, true],
    ])
    expect(split("select 'it''s;' ;;; x")).toEqual([
      ["select 'it''s;'", true],
      ['x', false],
    ])
    expect(split(' -- only words\n')).toEqual([])
    expect(split("select 'open ; ")).toEqual([["select 'open ; ", false]])
  })

  test('any text is split without loss of order, and every statement stands where it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...`ab'";-/*\n é日`) }), (text) => {
        for (const { sql, start } of splitStatements(text)) expect(text.startsWith(sql, start)).toBe(true)
      }),
    )
  })
})

test('places: lines and columns in characters, bytes of DuckDB', () => {
  const text = "select 'ü日',\n  x"
  expect(lineColumnAt(text, text.indexOf('x'))).toEqual({ line: 2, column: 3 })
  expect(indexOfByte(text, Buffer.byteLength(text.slice(0, text.indexOf(','))))).toBe(text.indexOf(','))
  expect(lineColumnAt("'😀' x", 5)).toEqual({ line: 1, column: 5 })
})

test('the nearest name is one that a slip explains', () => {
  expect(nearestName('purchasse', ['guilds', 'purchases', 'sword_purchases'])).toBe('purchases')
  expect(nearestName('x', ['guilds', 'purchases'])).toBeUndefined()
})

describe('commands', () => {
  test.each([
    ['show tables', { kind: 'show-tables' }],
    [
      "SHOW TABLES IN hive.default LIKE 'p%';",
      { kind: 'show-tables', from: { at: 15, name: ['hive', 'default'] }, like: 'p%' },
    ],
    ["show tables like 'p!_%' escape '!'", { kind: 'show-tables', like: 'p!_%', escape: '!' }],
    ['show schemas', { kind: 'show-schemas' }],
    ['show catalogs', { kind: 'show-catalogs' }],
    [
      'describe hive."default"."User-Agent"',
      { kind: 'describe', of: { at: 9, name: ['hive', 'default', 'User-Agent'] } },
    ],
    ['SHOW COLUMNS FROM t', { kind: 'describe', of: { at: 18, name: ['t'] } }],
    ['use hive.default', { kind: 'use', of: { at: 4, name: ['hive', 'default'] } }],
    ['SHOW CREATE VIEW v', { kind: 'show-create', what: 'view', of: { at: 17, name: ['v'] } }],
    ['show stats for t', { kind: 'show-stats', of: { at: 15, name: ['t'] } }],
    ['explain select 1', { kind: 'explain', form: 'text', analyze: false, body: 'select 1', at: 8 }],
    ['EXPLAIN ANALYZE\nselect 1', { kind: 'explain', form: 'text', analyze: true, body: 'select 1', at: 16 }],
    [
      'explain (type validate) (select 1)',
      { kind: 'explain', form: 'validate', analyze: false, body: '(select 1)', at: 24 },
    ],
    ['explain (select 1)', { kind: 'explain', form: 'text', analyze: false, body: '(select 1)', at: 8 }],
    ['select 1', undefined],
    ['"show" tables', undefined],
  ])('%s', (sql, command) => {
    expect(parseCommand(sql)).toEqual(command)
  })

  test.each([
    ['show', 'sql/syntax', 5],
    ['show tables from', 'sql/syntax', 17],
    ['show create x', 'sql/syntax', 13],
    ['explain (type io) select 1', 'sql/not-supported', 15],
    ['describe a b', 'sql/syntax', 12],
    ['explain', 'sql/syntax', 8],
    ['use a.', 'sql/syntax', 7],
  ])('%s is an error at its place', (sql, code, column) => {
    expect(() => parseCommand(sql)).toThrow(expect.objectContaining({ code, details: { line: 1, column } }))
  })

  test('LIKE', () => {
    expect(matchesLike('sword_purchases', '%purchases')).toBe(true)
    expect(matchesLike('a.b', 'a_b')).toBe(true)
    expect(matchesLike('axb', 'a.b')).toBe(false)
  })
})

describe('types of Trino', () => {
  test.each([
    'bigint',
    'varchar(25)',
    'decimal(3, 2)',
    'timestamp(6) with time zone',
    'array(row(a integer, "B c" map(varchar, decimal(38, 0))))',
  ])('%s is read', (text) => {
    const type = parseTrinoType(text)
    expect(typeSignature(type).rawType).toBe(text.replace(/\(.*\)/, ''))
  })

  test('values survive the way over the wire', () => {
    const type = parseTrinoType('row(a double, "B c" array(map(varchar, bigint)))')
    const value = { a: Number.NaN, 'B c': [{ k: 9223372036854775807n }, null] }
    const wire = wireConverter(type, true)?.(value) ?? value
    expect(wire).toEqual(['NaN', [{ k: 9223372036854775807n }, null]])
    expect(fromWireValue(wire, type)).toEqual(value)
  })
})

test('64-bit integers keep their digits in JSON', () => {
  const text = stringifyExact({ a: 9223372036854775807n, b: [1, 2.5, '9223372036854775807'] })
  expect(text).toBe('{"a":9223372036854775807,"b":[1,2.5,"9223372036854775807"]}')
  expect(parseExact(text)).toEqual({ a: 9223372036854775807n, b: [1, 2.5, '9223372036854775807'] })
  expect(parseExact('[1e300, 1234567890123456.5]')).toEqual([1e300, 1234567890123456.5])
})

test('errors of a real Trino become ours; what is not ours says nothing of its inside', () => {
  const wire = {
    message: "line 1:8: Column 'x' cannot be resolved",
    errorCode: 47,
    errorName: 'COLUMN_NOT_FOUND',
    errorType: 'USER_ERROR' as const,
    errorLocation: { lineNumber: 1, columnNumber: 8 },
  }
  expect(fromWireError(wire, undefined)).toMatchObject({
    code: 'sql/unknown-column',
    kind: 'fix-request',
    message: "Column 'x' cannot be resolved",
    details: { line: 1, column: 8 },
  })
  expect(toWireError(new Error('secret path')).message).not.toContain('secret')
})
