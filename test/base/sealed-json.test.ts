import { expect, test } from 'vitest'
import { openSealed, sealJson, sealOf } from '../../src/base/sealed-json.ts'

const TEXTS = [
  '{"a":1}',
  '{"a":1,"b":{"c":[1,2]}}\n',
  `${JSON.stringify({ a: 'ä', nested: { 'landfall-crc32c': 'no seal' } }, null, 2)}\n`,
]

test('a sealed object is read as it was, by us and by whoever does not know the seal', () => {
  for (const text of TEXTS) {
    const sealed = sealJson(text)
    expect(openSealed(Buffer.from(sealed))).toEqual(JSON.parse(text))
    expect(JSON.parse(sealed)).toMatchObject(JSON.parse(text) as object)
    expect(sealed.endsWith('\n')).toBe(text.endsWith('\n'))
    expect(() => openSealed(Buffer.from(text))).toThrow('its checksum is missing')
  }
  expect(sealJson('{}')).toBe('{}')
  expect(openSealed(Buffer.from('{}'))).toEqual({})
})

test('every bit that turns is told', () => {
  for (const text of TEXTS) {
    const sealed = Buffer.from(sealJson(text))
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const turned = Buffer.from(sealed)
      turned[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => openSealed(turned)).toThrow()
    }
  }
})

test('damage that takes the name of the seal with it is told', () => {
  const sealed = sealJson('{"views":[],"reference":[]}')
  const merged = sealed.replace('erence":[],"land', 'x'.repeat(16))
  expect(Object.keys(JSON.parse(merged) as object)).toHaveLength(2)
  expect(() => openSealed(Buffer.from(merged))).toThrow('its checksum is missing')
})

test('the seal says what was expected and what was found', () => {
  const sealed = sealJson('{"a":1}')
  const state = sealOf(Buffer.from(sealed))
  expect(state).toMatchObject({ sealed: true })
  expect(() => openSealed(Buffer.from(sealed.replace('1', '2')))).toThrow(
    /^expected crc32c [0-9a-f]{8}, found [0-9a-f]{8}$/,
  )
})

test('what is no JSON any more is told in one line, whatever stands there', () => {
  const harmed = Buffer.from(`{\n  "log":${String.fromCharCode(0).repeat(40)}`)
  expect(() => openSealed(harmed)).toThrow(/^[^\p{Cc}]*is not valid JSON[^\p{Cc}]*$/u)
})
