/**
 * The scratch file of a chunk: the plainest Parquet there is, made of the chunk's buffers as they stand (one uncompressed page of
 * PLAIN values per column and row group, all columns required). DuckDB reads it several times as fast as text, and no number
 * is printed or parsed on the way. Layout: https://github.com/apache/parquet-format (PageHeader, FileMetaData in Thrift's
 * compact protocol).
 */
import { open } from 'node:fs/promises'

/** Parquet's physical types that we need. Strings are BYTE_ARRAY: length (4 bytes, little-endian) and UTF-8. */
const PHYSICAL = { INT32: 1, DOUBLE: 5, BYTE_ARRAY: 6 } as const

export interface ScratchColumn {
  name: string
  type: keyof typeof PHYSICAL
}

export interface RowGroup {
  rows: number
  /** PLAIN values, one buffer per column. */
  columns: Uint8Array[]
}

const MAGIC = Buffer.from('PAR1')

export async function writeScratchFile(
  path: string,
  columns: readonly ScratchColumn[],
  groups: readonly RowGroup[],
): Promise<void> {
  const parts = encode(columns, groups)
  const handle = await open(path, 'w')
  try {
    const { bytesWritten } = await handle.writev(parts)
    // A short write does not say why; going on does.
    if (bytesWritten < lengthOf(parts)) await handle.writeFile(Buffer.concat(parts).subarray(bytesWritten))
  } finally {
    await handle.close()
  }
}

function encode(columns: readonly ScratchColumn[], groups: readonly RowGroup[]): Uint8Array[] {
  const parts: Uint8Array[] = [MAGIC]
  let at = MAGIC.length
  const footer = new Compact()
  footer.int(1, 1)
  footer.list(2, STRUCT, columns.length + 1)
  writeSchema(footer, columns)
  footer.long(
    3,
    groups.reduce((sum, { rows }) => sum + rows, 0),
  )
  footer.list(4, STRUCT, groups.length)
  for (const group of groups) {
    footer.begin()
    footer.list(1, STRUCT, columns.length)
    const groupAt = at
    for (const [index, column] of columns.entries()) {
      const values = group.columns[index]!
      const header = pageHeader(group.rows, values.length)
      const size = header.length + values.length
      writeColumn(footer, column, group.rows, at, size)
      parts.push(header, values)
      at += size
    }
    footer.long(2, at - groupAt)
    footer.long(3, group.rows)
    footer.end()
  }
  const meta = footer.bytes()
  const length = Buffer.alloc(4)
  length.writeUInt32LE(meta.length)
  parts.push(meta, length, MAGIC)
  return parts
}

function writeSchema(to: Compact, columns: readonly ScratchColumn[]): void {
  to.begin()
  to.text(4, 'scratch')
  to.int(5, columns.length)
  to.end()
  for (const { name, type } of columns) {
    to.begin()
    to.int(1, PHYSICAL[type])
    to.int(3, 0) // REQUIRED
    to.text(4, name)
    if (type === 'BYTE_ARRAY') to.int(6, 0) // UTF8
    to.end()
  }
}

/** ColumnChunk and its ColumnMetaData. */
function writeColumn(
  to: Compact,
  { name, type }: ScratchColumn,
  rows: number,
  at: number,
  size: number,
): void {
  to.begin()
  to.long(2, at)
  to.struct(3)
  to.int(1, PHYSICAL[type])
  to.list(2, INT, 1)
  to.element(0) // PLAIN
  to.list(3, BINARY, 1)
  to.elementText(name)
  to.int(4, 0) // UNCOMPRESSED
  to.long(5, rows)
  to.long(6, size)
  to.long(7, size)
  to.long(9, at)
  to.end()
  to.end()
}

function pageHeader(rows: number, size: number): Buffer {
  const header = new Compact()
  header.int(1, 0) // DATA_PAGE
  header.int(2, size)
  header.int(3, size)
  header.struct(5)
  header.int(1, rows)
  header.int(2, 0) // PLAIN
  header.int(3, 3) // levels: RLE, of which there are none
  header.int(4, 3)
  header.end()
  return header.bytes()
}

/** Type codes of Thrift's compact protocol. */
const INT = 5
const LONG = 6
const BINARY = 8
const LIST = 9
const STRUCT = 12

/** Writes one Thrift struct in the compact protocol. */
class Compact {
  readonly #bytes: number[] = []
  readonly #outer: number[] = []
  #last = 0

  int(id: number, value: number): void {
    this.#field(id, INT)
    this.element(value)
  }

  long(id: number, value: number): void {
    this.#field(id, LONG)
    this.element(value)
  }

  text(id: number, value: string): void {
    this.#field(id, BINARY)
    this.elementText(value)
  }

  list(id: number, type: number, size: number): void {
    this.#field(id, LIST)
    if (size < 15) {
      this.#bytes.push((size << 4) | type)
      return
    }
    this.#bytes.push(0xf0 | type)
    this.#varint(size)
  }

  struct(id: number): void {
    this.#field(id, STRUCT)
    this.begin()
  }

  /** A struct in a list begins. */
  begin(): void {
    this.#outer.push(this.#last)
    this.#last = 0
  }

  end(): void {
    this.#bytes.push(0)
    this.#last = this.#outer.pop()!
  }

  /** An integer (not negative), as zigzag. */
  element(value: number): void {
    this.#varint(value * 2)
  }

  elementText(value: string): void {
    const bytes = Buffer.from(value, 'utf8')
    this.#varint(bytes.length)
    this.#bytes.push(...bytes)
  }

  bytes(): Buffer {
    return Buffer.from([...this.#bytes, 0])
  }

  #field(id: number, type: number): void {
    this.#bytes.push(((id - this.#last) << 4) | type)
    this.#last = id
  }

  #varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.#bytes.push((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes.push(rest)
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0)
}
