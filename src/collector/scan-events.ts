/**
 * Reads a body of events without building objects: a strict scan over the bytes that finds where each event begins and
 * ends, and where its `event_type`, its `event_id` and its subject stand. The client's bytes then pass through as they are.
 *
 * Strict is RFC 8259 and what `docs/formats/types.md` adds: no lone surrogate escape, no name twice at the top of an
 * event (after unescaping). UTF-8 is checked apart, by `buffer.isUtf8`.
 */

import { EventNames, nameAt, TWICE } from './event-names.ts'

/** Where a scan stopped and why. `position` is a byte of the body, from 0. */
export interface ScanFault {
  reason: 'syntax' | 'duplicate' | 'depth' | 'surrogate' | 'not-an-object' | 'too-many' | 'too-large' | 'line'
  position: number
  /** The name that stands twice. */
  name?: string
}

/** How events follow each other in the body. */
export type Framing =
  /** One object, or an array of objects. */
  | 'json'
  /** One object per line. */
  | 'lines'
  /** Whatever the first byte says: an array, or objects one after another. */
  | 'either'

export interface ScanLimits {
  depthMax: number
  eventsMax: number
  eventBytesMax: number
}

/** One numeric record per event, `STRIDE` numbers each; an absent field has start -1. Ends are exclusive. */
export const span = {
  start: 0,
  end: 1,
  /** The value of the field: a string with its quotes, or a number, literal; for an array or object, end = start. */
  typeStart: 2,
  typeEnd: 3,
  idStart: 4,
  idEnd: 5,
  subjectStart: 6,
  subjectEnd: 7,
} as const
export const STRIDE = 8

// Classes of bytes. A body ends with a 0 byte (see `padded`), which is in none of them, so no loop needs a bound.
// One table per class: a look-up and a compare is the cheapest step there is here.
const PLAIN = tableOf(
  Array.from({ length: 224 }, (_, i) => String.fromCharCode(i + 0x20))
    .join('')
    .replace(/["\\]/g, ''),
)
const DIGIT = tableOf('0123456789')
const HEX = tableOf('0123456789abcdefABCDEF')
const BLANK = tableOf(' \t\r')
const BLANK_OR_NEWLINE = tableOf(' \t\r\n')
const ESCAPED = tableOf('"\\/bfnrt')

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const NEWLINE = 0x0a
const OBJECT = 1
const ARRAY = 2

/** What may come next inside an object or array. */
const KEY_OR_END = 1
const KEY = 2
const VALUE = 3
const VALUE_OR_END = 4
const AFTER_VALUE = 5

/** The same bytes with a 0 after them, which every loop of the scan stops at. */
export function padded(chunks: readonly Uint8Array[], length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length + 1)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  bytes[length] = 0
  return bytes
}

/** Scans one body at a time; its spans are valid until the next scan. */
export class JsonScanner {
  /** How many events the last scan found. */
  count = 0
  spans: Int32Array = new Int32Array(64 * STRIDE)
  fault: ScanFault | undefined
  readonly #limits: ScanLimits
  readonly #stack: Uint8Array
  readonly #names: EventNames

  constructor(limits: ScanLimits, subject: string | null) {
    this.#limits = limits
    this.#stack = new Uint8Array(limits.depthMax + 1)
    const wanted = new Map<string, number>([
      ['event_type', span.typeStart],
      ['event_id', span.idStart],
    ])
    if (subject !== null && !wanted.has(subject)) wanted.set(subject, span.subjectStart)
    this.#names = new EventNames(wanted)
  }

  /** Scans `bytes[0, length)`; `bytes[length]` must be 0. Returns false and leaves a `fault` when the body is refused. */
  scan(bytes: Buffer, length: number, framing: Framing): boolean {
    this.count = 0
    this.fault = undefined
    const first = skipAll(bytes, 0)
    if (first === length) return true
    if (bytes[first] === 0x5b && framing !== 'lines') return this.#scanArray(bytes, length, first + 1)
    return this.#scanSequence(bytes, length, first, framing)
  }

  /** `true` when `bytes[0, length)` is one JSON value of any kind by the same rules. */
  scanValue(bytes: Buffer, length: number): boolean {
    this.count = 0
    this.fault = undefined
    const end = this.#value(bytes, skipAll(bytes, 0))
    if (end < 0) return false
    const after = skipAll(bytes, end)
    return after === length || this.#refuse('syntax', after)
  }

  #fail(reason: ScanFault['reason'], position: number, name?: string): -1 {
    this.fault = name === undefined ? { reason, position } : { reason, position, name }
    return -1
  }

  #refuse(reason: ScanFault['reason'], position: number): false {
    this.fault = { reason, position }
    return false
  }

  #scanSequence(b: Buffer, n: number, first: number, framing: Framing): boolean {
    let p = first
    while (p < n) {
      p = this.#event(b, p, framing !== 'lines')
      if (p < 0) return false
      let c = b[p]!
      while (BLANK[c] === 1) c = b[++p]!
      if (p < n && c !== NEWLINE) return this.#refuse('line', p)
      p = skipAll(b, p)
      if (p < n && framing === 'json') return this.#refuse('syntax', p)
    }
    return p === n || this.#refuse('syntax', p)
  }

  #scanArray(b: Buffer, n: number, first: number): boolean {
    let p = skipAll(b, first)
    if (b[p] === 0x5d) p++
    else {
      for (;;) {
        p = this.#event(b, p, true)
        if (p < 0) return false
        p = skipAll(b, p)
        const c = b[p++]
        if (c === 0x5d) break
        if (c !== 0x2c) return this.#refuse('syntax', p - 1)
        p = skipAll(b, p)
      }
    }
    p = skipAll(b, p)
    return p === n || this.#refuse('syntax', p)
  }

  /** One event at `start`; returns where it ends, or -1. */
  #event(b: Buffer, start: number, overLines: boolean): number {
    if (b[start] !== 0x7b) {
      if (this.#value(b, start) < 0) return -1
      return this.#fail('not-an-object', start)
    }
    if (this.count >= this.#limits.eventsMax) return this.#fail('too-many', start)
    const at = this.count * STRIDE
    if (at + STRIDE > this.spans.length) {
      const grown = new Int32Array(this.spans.length * 2)
      grown.set(this.spans)
      this.spans = grown
    }
    this.spans[at + span.typeStart] = -1
    this.spans[at + span.idStart] = -1
    this.spans[at + span.subjectStart] = -1
    const end = this.#container(b, start, overLines, at)
    if (end < 0) return -1
    if (end - start > this.#limits.eventBytesMax) return this.#fail('too-large', start)
    this.spans[at + span.start] = start
    this.spans[at + span.end] = end
    this.count++
    return end
  }

  /** A value that belongs to no event (a body of a route, or something that should have been an event). */
  #value(b: Buffer, p: number): number {
    const c = b[p]
    if (c === 0x7b || c === 0x5b) return this.#container(b, p, true, -1)
    return this.#scalar(b, p)
  }

  /**
   * An object or array that begins at `p`, and all that is in it, without recursion: deep nesting costs a byte per level
   * and ends at `depthMax`. With `at >= 0` it is an event whose spans stand there.
   */
  #container(b: Buffer, start: number, overLines: boolean, at: number): number {
    const blank = overLines ? BLANK_OR_NEWLINE : BLANK
    const stack = this.#stack
    const depthMax = this.#limits.depthMax
    const spans = this.spans
    const names = this.#names
    this.#names.clear()
    let p = start
    let depth = 0
    // Where the value of the name just read is to be noted, or -1.
    let note = -1
    let next = VALUE
    for (;;) {
      let c = b[p]!
      while (c <= 0x20 && blank[c] === 1) c = b[++p]!
      if (next === AFTER_VALUE) {
        if (c === 0x2c) {
          next = stack[depth] === OBJECT ? KEY : VALUE
          p++
          continue
        }
        if (c !== (stack[depth] === OBJECT ? 0x7d : 0x5d)) return this.#fail('syntax', p)
        p++
        if (--depth === 0) return p
        continue
      }
      if (next <= KEY) {
        if (c === 0x7d && next === KEY_OR_END) {
          p++
          if (--depth === 0) return p
          next = AFTER_VALUE
          continue
        }
        if (c !== QUOTE) return this.#fail('syntax', p)
        const from = ++p
        while (PLAIN[b[p]!] === 1) p++
        const plain = b[p] === QUOTE
        p = plain ? p + 1 : this.#string(b, p - 1)
        if (p < 0) return -1
        if (depth === 1 && stack[1] === OBJECT) {
          const slot = plain ? names.add(b, from, p - 1) : names.addRare(b, from, p - 1)
          if (slot === TWICE) return this.#fail('duplicate', from, nameAt(b, from, p - 1))
          note = at < 0 || slot < 0 ? -1 : at + slot
        }
        c = b[p]!
        while (c <= 0x20 && blank[c] === 1) c = b[++p]!
        if (c !== 0x3a) return this.#fail('syntax', p)
        p++
        next = VALUE
        continue
      }
      if (c === 0x7b || c === 0x5b) {
        if (depth === depthMax) return this.#fail('depth', p)
        if (note >= 0) {
          spans[note] = p
          spans[note + 1] = p
          note = -1
        }
        stack[++depth] = c === 0x7b ? OBJECT : ARRAY
        next = c === 0x7b ? KEY_OR_END : VALUE_OR_END
        p++
        continue
      }
      if (c === 0x5d && next === VALUE_OR_END) {
        p++
        if (--depth === 0) return p
        next = AFTER_VALUE
        continue
      }
      const from = p
      if (c === QUOTE) {
        p++
        while (PLAIN[b[p]!] === 1) p++
        p = b[p] === QUOTE ? p + 1 : this.#string(b, p - 1)
      } else p = this.#scalar(b, p)
      if (p < 0) return -1
      if (note >= 0) {
        spans[note] = from
        spans[note + 1] = p
        note = -1
      }
      next = AFTER_VALUE
    }
  }

  /** A string whose opening quote is at `p`; returns the byte after its closing quote, or -1. */
  #string(b: Buffer, p: number): number {
    let c = b[++p]!
    for (;;) {
      while (PLAIN[c] === 1) c = b[++p]!
      if (c === QUOTE) return p + 1
      if (c !== BACKSLASH) return this.#fail('syntax', p)
      p = this.#escape(b, p)
      if (p < 0) return -1
      c = b[p]!
    }
  }

  /** An escape whose backslash is at `p`; a surrogate must come with its other half. */
  #escape(b: Buffer, p: number): number {
    const c = b[p + 1]!
    if (ESCAPED[c] === 1) return p + 2
    if (c !== 0x75) return this.#fail('syntax', p)
    const unit = hexUnit(b, p + 2)
    if (unit < 0) return this.#fail('syntax', p)
    if (unit < 0xd800 || unit > 0xdfff) return p + 6
    if (unit > 0xdbff || b[p + 6] !== BACKSLASH || b[p + 7] !== 0x75) return this.#fail('surrogate', p)
    const low = hexUnit(b, p + 8)
    if (low < 0) return this.#fail('syntax', p + 6)
    return low < 0xdc00 || low > 0xdfff ? this.#fail('surrogate', p) : p + 12
  }

  /** A number or a literal (or, for `#value`, a string) at `p`; returns the byte after it, or -1. */
  #scalar(b: Buffer, p: number): number {
    let c = b[p]!
    if (c > 0x39) {
      if (c === 0x74) return this.#literal(b, p, 'true')
      if (c === 0x66) return this.#literal(b, p, 'false')
      if (c === 0x6e) return this.#literal(b, p, 'null')
      return this.#fail('syntax', p)
    }
    if (c === QUOTE) return this.#string(b, p)
    if (c === 0x2d) c = b[++p]!
    if (DIGIT[c] === 0) return this.#fail('syntax', p)
    if (c === 0x30) c = b[++p]!
    else while (DIGIT[c] === 1) c = b[++p]!
    if (c === 0x2e) {
      c = b[++p]!
      if (DIGIT[c] === 0) return this.#fail('syntax', p)
      while (DIGIT[c] === 1) c = b[++p]!
    }
    if ((c | 0x20) !== 0x65) return p
    c = b[++p]!
    if (c === 0x2b || c === 0x2d) c = b[++p]!
    if (DIGIT[c] === 0) return this.#fail('syntax', p)
    while (DIGIT[c] === 1) c = b[++p]!
    return p
  }

  #literal(b: Buffer, p: number, text: 'true' | 'false' | 'null'): number {
    for (let i = 0; i < text.length; i++) {
      if (b[p + i] !== text.charCodeAt(i)) return this.#fail('syntax', p + i)
    }
    return p + text.length
  }
}

/** Blanks and line ends. */
function skipAll(b: Buffer, p: number): number {
  let c = b[p]!
  while (BLANK_OR_NEWLINE[c] === 1) c = b[++p]!
  return p
}

/** The code unit of four hex digits, or -1. */
function hexUnit(b: Uint8Array, p: number): number {
  let unit = 0
  for (let i = 0; i < 4; i++) {
    const c = b[p + i]!
    if (HEX[c] === 0) return -1
    unit = unit * 16 + (c <= 0x39 ? c - 0x30 : (c | 0x20) - 0x57)
  }
  return unit
}
