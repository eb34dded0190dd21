import { isUtf8 } from 'node:buffer'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

/** Bytes as text that can be read and told apart: UTF-8 where it is, `\xff` for other bytes and for control characters. */
export function readable(bytes: Buffer): string {
  let text = ''
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    if (length === 0) {
      text += `\\x${bytes[at]!.toString(16).padStart(2, '0')}`
      at += 1
    } else {
      text += decoder.decode(bytes.subarray(at, at + length))
      at += length
    }
  }
  return text
}

/** Bytes of the UTF-8 character at `at`; 0 where there is none, or a control character. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!
  if (first < 0x20 || first === 0x7f) return 0
  if (first < 0x80) return 1
  for (let length = 2; length <= 4 && at + length <= bytes.length; length++) {
    if (isUtf8(bytes.subarray(at, at + length))) return length
  }
  return 0
}
