/** Structs by hand: `structOf({ 1: string('a'), 2: i32(5) })`, and what is in them. */
import { type ThriftField, type ThriftList, type ThriftMap, type ThriftStruct, thriftType } from './thrift.ts'

export const string = (text: string): ThriftField => ({ type: thriftType.string, value: Buffer.from(text) })
export const i32 = (value: number): ThriftField => ({ type: thriftType.i32, value })
export const i64 = (value: bigint): ThriftField => ({ type: thriftType.i64, value })
export const bool = (value: boolean): ThriftField => ({ type: thriftType.bool, value })
export const struct = (value: ThriftStruct): ThriftField => ({ type: thriftType.struct, value })

export function structs(items: ThriftStruct[]): ThriftField {
  return { type: thriftType.list, value: { of: thriftType.struct, items } }
}

export function strings(items: string[]): ThriftField {
  return {
    type: thriftType.list,
    value: { of: thriftType.string, items: items.map((item) => Buffer.from(item)) },
  }
}

export function texts(record: Record<string, string>): ThriftField {
  const entries = Object.entries(record).map(([key, value]): [Buffer, Buffer] => [
    Buffer.from(key),
    Buffer.from(value),
  ])
  return { type: thriftType.map, value: { keys: thriftType.string, values: thriftType.string, entries } }
}

export function structOf(fields: Record<number, ThriftField>): ThriftStruct {
  return new Map(Object.entries(fields).map(([id, field]) => [Number(id), field]))
}

export function textAt(from: ThriftStruct, id: number): string | undefined {
  const value = from.get(id)?.value
  return Buffer.isBuffer(value) ? value.toString() : undefined
}

export function structAt(from: ThriftStruct, id: number): ThriftStruct | undefined {
  return from.get(id)?.value as ThriftStruct | undefined
}

export function structsAt(from: ThriftStruct, id: number): ThriftStruct[] {
  return ((from.get(id)?.value as ThriftList | undefined)?.items ?? []) as ThriftStruct[]
}

export function stringsAt(from: ThriftStruct, id: number): string[] {
  return ((from.get(id)?.value as ThriftList | undefined)?.items ?? []).map(String)
}

export function textsAt(from: ThriftStruct, id: number): Record<string, string> {
  const entries = (from.get(id)?.value as ThriftMap | undefined)?.entries ?? []
  return Object.fromEntries(entries.map(([key, value]) => [String(key), String(value)]))
}
