/**
 * JSON objects in files, with a checksum as their last field: `…,"landfall-crc32c":"1a2b3c4d"}`. It is the CRC-32C of all bytes before
 * the comma. Whoever does not know the field reads on. The name of the field is persisted.
 */
import { checksumOf } from './checksum.ts'

const FIELD = 'landfall-crc32c'
const SEAL = new RegExp(`,\\s*"${FIELD}":\\s*"([0-9a-f]{8})"\\s*\\}\\s*$`)
/** The seal with its blanks is shorter. */
const SEAL_BYTES_MAX = 80

/** Seals the text of a JSON object. An empty one stays as it is: it says nothing. */
export function sealJson(text: string): string {
  const end = text.lastIndexOf('}')
  const body = text.slice(0, end).trimEnd()
  if (body === '{') return text
  // Text with a field per line gets a line more.
  const blank = /\n\s*\}\s*$/.test(text) ? '\n  ' : ''
  const last = blank === '' ? '' : '\n'
  const gap = blank === '' ? '' : ' '
  return `${body},${blank}"${FIELD}":${gap}"${checksumOf(Buffer.from(body))}"${last}}${text.slice(end + 1)}`
}

export type SealState = { sealed: false } | { sealed: true; expected: string; found: string }

/** What the seal says and what the bytes are. */
export function sealOf(bytes: Buffer): SealState {
  const tailAt = Math.max(0, bytes.length - SEAL_BYTES_MAX)
  const match = SEAL.exec(bytes.toString('latin1', tailAt))
  if (match === null) return { sealed: false }
  return { sealed: true, expected: match[1]!, found: checksumOf(bytes.subarray(0, tailAt + match.index)) }
}

/** Throws an `Error` whose message says what was expected and found, when there is a seal and it does not fit. */
export function checkSeal(bytes: Buffer): void {
  check(sealOf(bytes))
}

function check(seal: SealState): void {
  if (!seal.sealed || seal.expected === seal.found) return
  throw new Error(`expected crc32c ${seal.expected}, found ${seal.found}`)
}

/**
 * The object in text that was sealed, without its seal. Throws an `Error` on other text and where the seal does not fit, or is missing:
 * damage that begins in the field before may take the seal's name with it. Only an empty object has none.
 */
export function openSealed(bytes: Buffer): Record<string, unknown> {
  const seal = sealOf(bytes)
  check(seal)
  const value = parse(bytes)
  if (!seal.sealed && JSON.stringify(value) !== '{}') throw new Error('its checksum is missing')
  return withoutSeal(value)
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>
  } catch (error) {
    // It shows a piece of the text, with its line ends and whatever else is there.
    throw new Error((error as Error).message.replace(/[\s\p{Cc}]+/gu, ' '), { cause: error })
  }
}

export function withoutSeal<T extends object>(value: T): T {
  const { [FIELD]: _, ...rest } = value as Record<string, unknown>
  return rest as T
}
