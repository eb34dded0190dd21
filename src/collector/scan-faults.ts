import { isUtf8 } from 'node:buffer'
import type { LandfallError } from '../base/errors.ts'
import { refuse } from './answers.ts'
import type { ScanFault } from './scan-events.ts'

const TEXT: Record<ScanFault['reason'], string> = {
  syntax: 'the body is not JSON',
  duplicate: 'a name stands twice in one object',
  depth: 'objects and arrays are nested too deep',
  surrogate: 'a \\u escape is half a surrogate pair',
  'not-an-object': 'an event is not a JSON object',
  'too-many': 'the body holds too many events',
  'too-large': 'an event is too large',
  line: 'an event is not followed by a line end',
}

const LIMIT: Partial<Record<ScanFault['reason'], string>> = {
  depth: 'depthMax',
  'too-many': 'batchEventsMax',
  'too-large': 'eventBytesMax',
}

/** The error for a body that the scan refused: `collector/malformed-body`, or `collector/too-large` with the limit's name. */
export function explainFault(fault: ScanFault, bytes: Uint8Array): LandfallError {
  const { reason, position, name } = fault
  const { line, column } = placeOf(bytes, position)
  const what = name === undefined ? TEXT[reason] : `${TEXT[reason]} (${JSON.stringify(name.slice(0, 60))})`
  const code = reason === 'too-many' || reason === 'too-large' ? 'too-large' : 'malformed-body'
  const limit = LIMIT[reason]
  return refuse(
    code,
    `${what}, at byte ${position} (line ${line}, column ${column})`,
    'Nothing of the request was stored',
    {
      position,
      line,
      column,
      ...(limit === undefined ? {} : { limit }),
    },
  )
}

export function invalidUtf8(bytes: Uint8Array): LandfallError {
  const position = firstInvalid(bytes)
  const { line, column } = placeOf(bytes, position)
  return refuse(
    'malformed-body',
    `the body is not UTF-8, at byte ${position} (line ${line}, column ${column})`,
    'Nothing of the request was stored',
    {
      position,
      line,
      column,
    },
  )
}

/** Length of the longest valid beginning, found by halving, cut between characters. */
function firstInvalid(bytes: Uint8Array): number {
  let good = 0
  let bad = bytes.length
  while (bad - good > 8) {
    let middle = (good + bad) >>> 1
    while (middle > good && (bytes[middle]! & 0xc0) === 0x80) middle--
    if (middle === good) break
    if (isUtf8(bytes.subarray(good, middle))) good = middle
    else bad = middle
  }
  while (good < bytes.length) {
    let length = 1
    while (length < 4 && !isUtf8(bytes.subarray(good, good + length))) length++
    if (!isUtf8(bytes.subarray(good, good + length))) break
    good += length
  }
  return good
}

/** Line and column (in bytes), both from 1. */
function placeOf(bytes: Uint8Array, position: number): { line: number; column: number } {
  let line = 1
  let lineStart = 0
  for (let at = bytes.indexOf(0x0a); at >= 0 && at < position; at = bytes.indexOf(0x0a, at + 1)) {
    line++
    lineStart = at + 1
  }
  return { line, column: position - lineStart + 1 }
}
