import {
  columnFromArray,
  int32,
  int64,
  tableFromColumns,
  tableFromIPC,
  tableToIPC,
  utf8,
} from '@uwdata/flechette'

/** Rows of an Arrow stream: 64-bit integers as numbers where they are exact, else bigint; times as µs since 1970 (bigint). */
export function rowsOf(bytes: Uint8Array): Record<string, unknown>[] {
  // Columns are read in place, which asks for bytes that begin at a multiple of eight.
  const table = tableFromIPC(new Uint8Array(bytes), { useBigInt: true, useDecimalInt: false })
  return table
    .toArray()
    .map((row) =>
      Object.fromEntries(Object.entries(row as object).map(([name, value]) => [name, plain(value)])),
    )
}

function plain(value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

type Column = ['int' | 'long' | 'string', (number | string | null)[]]

/** An Arrow stream of these columns, for a relation that is sent. */
export function tableOf(columns: Record<string, Column>): Uint8Array {
  const types = { int: int32(), long: int64(), string: utf8() }
  const made = Object.entries(columns).map(([name, [type, values]]) => {
    const exact = type === 'long' ? values.map((value) => (value === null ? null : BigInt(value))) : values
    return [name, columnFromArray(exact as unknown[], types[type])] as const
  })
  return tableToIPC(tableFromColumns(made as never), { format: 'stream' }) as Uint8Array
}
