/** CRC-32C as names of files and sealed JSON bear it: eight hex digits, small. */
import { closeSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { crc32c } from '@node-rs/crc32'

/** What is read at once: a tenth of a millisecond of work, so that nothing else waits for it. */
const CHUNK_BYTES = 1024 * 1024
/** Up to here three calls of the system cost less than one turn through Node's thread pool. */
const AT_ONCE_BYTES = 128 * 1024

const hex = (crc: number) => crc.toString(16).padStart(8, '0')

export function checksumOf(bytes: Uint8Array): string {
  return hex(crc32c(bytes))
}

/** Of a whole file of about `bytes` bytes, read in chunks. */
export async function checksumOfFile(path: string, bytes: number, signal?: AbortSignal): Promise<string> {
  if (bytes <= AT_ONCE_BYTES) return checksumAtOnce(path)
  const handle = await open(path, 'r')
  try {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    let crc = 0
    for (;;) {
      signal?.throwIfAborted()
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES)
      if (bytesRead === 0) return hex(crc)
      crc = crc32c(chunk.subarray(0, bytesRead), crc)
    }
  } finally {
    await handle.close()
  }
}

const small = Buffer.allocUnsafeSlow(AT_ONCE_BYTES)

function checksumAtOnce(path: string): string {
  const file = openSync(path, 'r')
  try {
    let crc = 0
    for (;;) {
      const read = readSync(file, small, 0, small.length, null)
      if (read === 0) return hex(crc)
      crc = crc32c(small.subarray(0, read), crc)
    }
  } finally {
    closeSync(file)
  }
}

const IN_NAME = /-crc32c-([0-9a-f]{8})\.(?:parquet|avro)$/

/** The name of an immutable file, which bears the checksum of its bytes. */
export function nameWithChecksum(stem: string, checksum: string, extension: 'parquet' | 'avro'): string {
  return `${stem}-crc32c-${checksum}.${extension}`
}

/** The checksum in a name or path of ours; undefined for files of others, and of ours before there were checksums. */
export function checksumInName(path: string): string | undefined {
  return IN_NAME.exec(path)?.[1]
}
