/**
 * A strict reader of one JSON object's top level (docs/formats/types.md, "Document"). It keeps what `JSON.parse` throws away and
 * the grammar of types needs: the source text of numbers, names that stand twice, lone surrogates. It does not recurse.
 */
export type JsonKind = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'array' | 'object'

export interface JsonMember {
  /** Unescaped. */
  name: string
  kind: JsonKind
  /** The value's source text is `text.slice(start, end)`. */
  start: number
  end: number
}

export interface JsonProblem {
  /** Index in the text (UTF-16 units). */
  at: number
  problem: string
}

/** The members of the object that `text` is, in order, or what is wrong with it. */
export function scanObject(text: string): JsonMember[] | JsonProblem {
  const scanner = new Scanner(text)
  try {
    return scanner.object()
  } catch (error) {
    if (error instanceof Stop) return { at: scanner.at, problem: error.problem }
    throw error
  }
}

export function isProblem(result: JsonMember[] | JsonProblem): result is JsonProblem {
  return !Array.isArray(result)
}

/** Not an Error: it is thrown often on bad input, and a stack trace would cost more than the scan. */
class Stop {
  readonly problem: string
  constructor(problem: string) {
    this.problem = problem
  }
}

const QUOTE = 34
const PLUS = 43
const COMMA = 44
const MINUS = 45
const POINT = 46
const ZERO = 48
const COLON = 58
const OPEN_ARRAY = 91
const BACKSLASH = 92
const CLOSE_ARRAY = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125

class Scanner {
  readonly text: string
  at = 0
  /** Whether the string just read held an escape. */
  escaped = false

  constructor(text: string) {
    this.text = text
  }

  object(): JsonMember[] {
    if (!this.text.isWellFormed()) throw new Stop('a lone surrogate')
    const members: JsonMember[] = []
    if (this.space() !== OPEN_OBJECT)
      throw new Stop(this.at >= this.text.length ? 'nothing there' : 'not an object')
    this.at += 1
    if (this.space() === CLOSE_OBJECT) this.at += 1
    else this.members(members)
    this.space()
    if (this.at < this.text.length) throw new Stop('text after the object')
    this.once(members)
    return members
  }

  members(into: JsonMember[]): void {
    for (;;) {
      const name = this.name()
      this.space()
      const start = this.at
      const kind = this.value()
      into.push({ name, kind, start, end: this.at })
      const next = this.space()
      this.at += 1
      if (next === CLOSE_OBJECT) return
      if (next !== COMMA) this.unexpected()
      this.space()
    }
  }

  once(members: JsonMember[]): void {
    const twice = members.length < 24 ? firstRepeatedOfFew(members) : firstRepeated(members)
    if (!twice) return
    this.at = twice.start
    throw new Stop(`the name ${JSON.stringify(twice.name)} twice`)
  }

  name(): string {
    if (this.text.charCodeAt(this.at) !== QUOTE) throw new Stop('expected a name in double quotes')
    const start = this.at
    this.string()
    const end = this.at
    if (this.space() !== COLON) throw new Stop('expected a colon')
    this.at += 1
    return this.escaped
      ? (JSON.parse(this.text.slice(start, end)) as string)
      : this.text.slice(start + 1, end - 1)
  }

  /** Reads any value. Nested ones are walked with a stack of closers, not by recursion. */
  value(): JsonKind {
    const code = this.text.charCodeAt(this.at)
    if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      this.container()
      return code === OPEN_ARRAY ? 'array' : 'object'
    }
    return this.scalar(code)
  }

  scalar(code: number): JsonKind {
    if (code === QUOTE) return this.string()
    if (code === 116) return this.literal('true', 'boolean')
    if (code === 102) return this.literal('false', 'boolean')
    if (code === 110) return this.literal('null', 'null')
    return this.number()
  }

  container(): void {
    const closers: number[] = []
    for (;;) {
      const code = this.space()
      if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
        closers.push(code === OPEN_ARRAY ? CLOSE_ARRAY : CLOSE_OBJECT)
        this.at += 1
        if (this.space() !== closers.at(-1)) {
          if (code === OPEN_OBJECT) this.name()
          continue
        }
      } else this.scalar(code)
      if (this.close(closers)) return
    }
  }

  /** After a value inside a container: closers and the comma before the next value. True when all are closed. */
  close(closers: number[]): boolean {
    for (;;) {
      const next = this.space()
      this.at += 1
      if (next === closers.at(-1)) {
        closers.pop()
        if (closers.length === 0) return true
      } else if (next === COMMA) {
        this.space()
        if (closers.at(-1) === CLOSE_OBJECT) this.name()
        return false
      } else this.unexpected()
    }
  }

  literal(word: string, kind: JsonKind): JsonKind {
    if (!this.text.startsWith(word, this.at)) throw new Stop('an unknown word')
    this.at += word.length
    return kind
  }

  string(): 'string' {
    const { text } = this
    this.escaped = false
    let at = this.at + 1
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) break
      if (code === BACKSLASH) at = this.escape(at)
      else if (!(code >= 32)) {
        this.at = at
        throw new Stop(at < text.length ? 'a control character in a string' : 'a string without end')
      } else at += 1
    }
    this.at = at + 1
    return 'string'
  }

  /** The index after the escape that begins at `at`. */
  escape(at: number): number {
    this.escaped = true
    this.at = at
    const letter = this.text[at + 1]
    if (letter === undefined || !'"\\/bfnrtu'.includes(letter)) throw new Stop('an unknown escape')
    if (letter !== 'u') return at + 2
    const code = this.hex(at + 2)
    if (code < 0xd800 || code > 0xdfff) return at + 6
    const low = this.text.startsWith('\\u', at + 6) ? this.hex(at + 8) : 0
    if (code > 0xdbff || low < 0xdc00 || low > 0xdfff) throw new Stop('a lone surrogate')
    return at + 12
  }

  hex(from: number): number {
    const digits = this.text.slice(from, from + 4)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new Stop('an escape \\u without four hex digits')
    return Number.parseInt(digits, 16)
  }

  number(): 'integer' | 'number' {
    if (this.code() === MINUS) this.at += 1
    if (this.code() === ZERO) this.at += 1
    else this.digits()
    const afterInteger = this.at
    if (this.code() === POINT) {
      this.at += 1
      this.digits()
    }
    // `E` or `e`
    if ((this.code() | 32) === 101) {
      this.at += 1
      if (this.code() === PLUS || this.code() === MINUS) this.at += 1
      this.digits()
    }
    return this.at === afterInteger ? 'integer' : 'number'
  }

  code(): number {
    return this.text.charCodeAt(this.at)
  }

  digits(): void {
    const { text } = this
    const start = this.at
    let at = start
    for (let code = text.charCodeAt(at); code >= 48 && code <= 57; code = text.charCodeAt(at)) at += 1
    this.at = at
    if (at === start) throw new Stop(at < text.length ? 'an unexpected character' : 'an end too early')
  }

  /** Skips white space; returns the code of the character there (NaN at the end). */
  space(): number {
    const { text } = this
    let at = this.at
    let code = text.charCodeAt(at)
    while (code === 32 || code === 10 || code === 13 || code === 9) {
      at += 1
      code = text.charCodeAt(at)
    }
    this.at = at
    return code
  }

  unexpected(): never {
    this.at -= 1
    throw new Stop(this.at >= this.text.length ? 'an end too early' : 'an unexpected character')
  }
}

function firstRepeated(members: JsonMember[]): JsonMember | undefined {
  const seen = new Set<string>()
  return members.find((member) => seen.size === seen.add(member.name).size)
}

/** Comparing pairs of a few short names is faster than filling a set. */
function firstRepeatedOfFew(members: JsonMember[]): JsonMember | undefined {
  for (let i = 1; i < members.length; i += 1) {
    const { name } = members[i]!
    for (let j = 0; j < i; j += 1) if (members[j]!.name === name) return members[i]
  }
  return undefined
}
