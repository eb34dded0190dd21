/** Names beyond this many in one event are kept in a set instead of being compared one by one. */
const FEW_NAMES = 24

/** The name stood there before. */
export const TWICE = -2

const BACKSLASH = '\\'

/** The names at the top of one event: which of them are wanted, and whether one stands twice. One object serves all events. */
export class EventNames {
  readonly #wanted: { bytes: Buffer; print: number; slot: number }[] = []
  #wantedBits = 0
  // Of each name a print, and where it stands.
  readonly #prints = new Int32Array(FEW_NAMES)
  readonly #starts = new Int32Array(FEW_NAMES)
  readonly #ends = new Int32Array(FEW_NAMES)
  #count = 0
  /** One bit per name, as a sieve: most names need no comparison. */
  #seen = 0
  #set: Set<string> | undefined

  /** Name → slot, a number from 0. */
  constructor(wanted: ReadonlyMap<string, number>) {
    for (const [name, slot] of wanted) {
      const bytes = Buffer.from(name)
      const print = printOf(bytes, 0, bytes.length)
      this.#wantedBits |= bitOf(print)
      this.#wanted.push({ bytes, print, slot })
    }
  }

  /** Another event begins. */
  clear(): void {
    this.#count = 0
    this.#seen = 0
    this.#set = undefined
  }

  /** Takes note of a name, `b[start, end)` between its quotes and without escapes. Returns its slot, -1, or `TWICE`. */
  add(b: Buffer, start: number, end: number): number {
    const print = printOf(b, start, end)
    const count = this.#count
    if (this.#set !== undefined || count === FEW_NAMES) return this.addRare(b, start, end)
    const bit = bitOf(print)
    if ((this.#seen & bit) !== 0 && this.#isTwice(b, start, end, print)) return TWICE
    this.#seen |= bit
    this.#prints[count] = print
    this.#starts[count] = start
    this.#ends[count] = end
    this.#count = count + 1
    if ((this.#wantedBits & bit) === 0) return -1
    const wanted = this.#wanted
    for (let i = 0; i < wanted.length; i++) {
      const { print: known, bytes, slot } = wanted[i]!
      if (known === print && bytes.length === end - start && sameBytes(bytes, 0, b, start, end - start))
        return slot
    }
    return -1
  }

  #isTwice(b: Buffer, start: number, end: number, print: number): boolean {
    for (let i = 0; i < this.#count; i++) {
      if (this.#prints[i] !== print) continue
      const from = this.#starts[i]!
      if (this.#ends[i]! - from === end - start && sameBytes(b, from, b, start, end - start)) return true
    }
    return false
  }

  /** The same for an event with escaped names or with many: names are unescaped and kept in a set. */
  addRare(b: Buffer, start: number, end: number): number {
    if (this.#set === undefined) {
      this.#set = new Set()
      for (let i = 0; i < this.#count; i++)
        this.#set.add(b.toString('utf8', this.#starts[i]!, this.#ends[i]!))
    }
    const name = nameAt(b, start, end)
    if (this.#set.has(name)) return TWICE
    this.#set.add(name)
    for (const wanted of this.#wanted) if (wanted.bytes.toString() === name) return wanted.slot
    return -1
  }
}

/** The name at `b[start, end)`, unescaped. */
export function nameAt(b: Buffer, start: number, end: number): string {
  const text = b.toString('utf8', start, end)
  return text.includes(BACKSLASH) ? (JSON.parse(`"${text}"`) as string) : text
}

/** Tells most names apart at a glance: length, first, middle and last byte. */
function printOf(b: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length === 0) return 0
  return (length << 24) | (b[start]! << 16) | (b[start + (length >> 1)]! << 8) | b[end - 1]!
}

function bitOf(print: number): number {
  return 1 << (Math.imul(print, 0x9e3779b1) >>> 27)
}

function sameBytes(a: Uint8Array, from: number, b: Uint8Array, start: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[from + i] !== b[start + i]) return false
  return true
}
