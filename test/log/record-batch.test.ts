/** The bytes of a record batch: against Kafka's published layout, and there and back for whatever may come. */
import { crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BatchBuilder, encodeMarker, isIntact, readHeader } from '../../src/log/record-batch.ts'
import { cutByBytes, EncodedBatch } from '../../src/log/record-cursor.ts'
import type { NewRecord } from '../../src/model/record.ts'
import { plain } from '../conformance/log-suite.ts'

function encode(records: readonly NewRecord[], baseOffset = 0): Buffer {
  const builder = new BatchBuilder(64)
  for (const record of records) builder.add(record)
  return Buffer.from(builder.seal(baseOffset))
}

const ASCII = /^[ -~]*$/

const back = (record: NewRecord, offset: number) => ({
  offset,
  receivedAt: record.receivedAt,
  key: record.key,
  value: Buffer.from(record.value).toString('hex'),
  headers: record.headers,
})

describe('record batch', () => {
  test('stands byte for byte as Kafka lays it out', () => {
    const bytes = encode(
      [
        { key: 'k', value: Buffer.from('{}'), receivedAt: 1_700_000_000_000_000, headers: [['id', 'e1']] },
        { key: null, value: Buffer.from('{"a":1}'), receivedAt: 1_700_000_000_070_005, headers: [] },
      ],
      258,
    )
    const records = [
      // length 15, attributes, timestamp delta 0, offset delta 0, key 1 "k", value 2 "{}", 1 header: 2 "id", 2 "e1"
      '1e 00 00 00 02 6b 04 7b 7d 02 04 69 64 04 65 31',
      // length 20, attributes, timestamp delta 70 (two bytes), offset delta 1, key null, value 7, 1 header: "us" "5"
      '2a 00 8c 01 02 01 0e 7b 22 61 22 3a 31 7d 02 04 75 73 02 35',
    ]
    const body = Buffer.from(records.join('').replaceAll(' ', ''), 'hex')
    body[16] = (body.length - 17) * 2
    const head = Buffer.from(
      [
        '0000000000000102', // base offset 258
        '00000000', // length, set below
        '00000000', // partition leader epoch
        '02', // magic
        '00000000', // crc, set below
        '0000', // attributes
        '00000001', // last offset delta
        '0000018bcfe56800', // base timestamp 1,700,000,000,000
        '0000018bcfe56846', // max timestamp, 70 later
        'ffffffffffffffff', // producer id
        'ffff', // producer epoch
        'ffffffff', // base sequence
        '00000002', // records
      ].join(''),
      'hex',
    )
    const expected = Buffer.concat([head, body])
    expected.writeInt32BE(expected.length - 12, 8)
    expected.writeUInt32BE(crc32c(expected.subarray(21)), 17)
    expect(bytes.toString('hex')).toBe(expected.toString('hex'))
  })

  test('gives back any records, by objects and by cursor, whole and cut', () => {
    const record: fc.Arbitrary<NewRecord> = fc.record({
      key: fc.option(fc.string({ unit: 'grapheme', maxLength: 120 }), { nil: null }),
      value: fc.uint8Array({ maxLength: 300 }),
      receivedAt: fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
      headers: fc.array(
        fc.tuple(
          fc.oneof(
            fc.constantFrom('id', 'plan', 'src', 'r', 'h'),
            fc.string({ unit: 'grapheme', minLength: 3 }),
          ),
          fc.string({ unit: 'grapheme', maxLength: 200 }),
        ),
        { maxLength: 5 },
      ),
    })
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 20 }),
        fc.nat({ max: 2 ** 40 }),
        fc.integer({ min: 1, max: 2000 }),
        (records, base, bytesMax) => {
          const bytes = encode(records, base)
          const header = readHeader(bytes, 0)!
          const end = base + records.length
          expect(header).toMatchObject({ baseOffset: base, length: bytes.length, nextOffset: end })
          expect(isIntact(bytes, 0, bytes.length)).toBe(true)
          const expected = records.map((one, i) => back(one, base + i))
          const whole = new EncodedBatch(bytes, 0, base, end).records
          expect(whole.map((one) => ({ ...plain(one), value: one.value.toString('hex') }))).toEqual(expected)
          const pieces = [...cutByBytes(bytes, base, end, bytesMax)].flatMap((piece) => [...piece.records])
          expect(pieces.map((one) => one.offset)).toEqual(expected.map((one) => one.offset))
          const cursor = new EncodedBatch(bytes, 0, base, end).cursor()
          for (const one of records) {
            expect(cursor.next()).toBe(true)
            expect(cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd)).toEqual(Buffer.from(one.value))
            for (const [name] of one.headers) {
              if (!ASCII.test(name)) continue
              const value = one.headers.find((header) => header[0] === name)![1]
              expect(cursor.findHeader(name)).toBe(true)
              expect(cursor.bytes.toString('utf8', cursor.headerStart, cursor.headerEnd)).toBe(value)
            }
          }
          expect(cursor.next()).toBe(false)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('a header that another producer left null is there and empty', () => {
    for (const more of [0, 9]) {
      const headers = Array.from({ length: more }, (_, i): [string, string] => [`h${i}`, 'x'])
      const bytes = encode([
        { key: null, value: Buffer.from('{}'), receivedAt: 0, headers: [...headers, ['id', '']] },
      ])
      // value length 0 becomes -1 (null)
      bytes[bytes.length - 1] = 0x01
      const cursor = new EncodedBatch(bytes, 0, 0, 1).cursor()
      expect([cursor.next(), cursor.findHeader('id')]).toEqual([true, true])
      expect([cursor.headerStart, cursor.headerEnd]).toEqual([bytes.length, bytes.length])
      expect(new EncodedBatch(bytes, 0, 0, 1).records[0]!.headers.at(-1)).toEqual(['id', Buffer.alloc(0)])
    }
  })

  test('a record whose value was erased keeps its place', () => {
    const bytes = encode([{ key: 'k', value: Buffer.from(''), receivedAt: 0, headers: [] }])
    // value length 0 becomes -1 (null): what erasure writes
    bytes[61 + 6] = 0x01
    const cursor = new EncodedBatch(bytes, 0, 0, 1).cursor()
    expect(cursor.next()).toBe(true)
    expect([cursor.offset, cursor.keyStart >= 0, cursor.valueStart]).toEqual([0, true, -1])
    expect(new EncodedBatch(bytes, 0, 0, 1).records[0]!.value).toHaveLength(0)
  })

  test('a failed record takes back what was written of its call', () => {
    const builder = new BatchBuilder()
    const good = { key: null, value: Buffer.from('a'), receivedAt: 1000, headers: [] }
    builder.add(good)
    const { count, length } = builder
    builder.add({ ...good, value: Buffer.from('b') })
    builder.cutBack(count, length)
    builder.add({ ...good, value: Buffer.from('c') })
    const values = new EncodedBatch(Buffer.from(builder.seal(0)), 0, 0, 2).records.map((r) =>
      r.value.toString(),
    )
    expect(values).toEqual(['a', 'c'])
  })

  test('a marker has no record and no offset of its own', () => {
    const marker = encodeMarker(77, 1_700_000_000_000)
    expect(readHeader(marker, 0)).toMatchObject({ baseOffset: 77, nextOffset: 77, count: 0, length: 61 })
    expect(isIntact(marker, 0, 61)).toBe(true)
  })
})
