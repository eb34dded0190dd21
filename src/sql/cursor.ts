/** Reading a statement token by token, for the commands that no engine's parser knows. */
import { LandfallError } from '../base/errors.ts'
import { lineColumnAt, type Token, tokens } from './text.ts'

export class Cursor {
  readonly #tokens: Token[]
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = [...tokens(text)]
    if (this.#tokens.at(-1)?.text === ';') this.#tokens.pop()
  }

  /** Index in the text where the next token begins. */
  get index(): number {
    return this.#tokens[this.#at]?.start ?? this.#text.length
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length
  }

  takeWord(...words: string[]): string | undefined {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'word' || !words.includes(token.text.toUpperCase())) return undefined
    this.#at++
    return token.text.toUpperCase()
  }

  /** The next token, without taking it; `ahead` looks further. */
  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead]
  }

  take(): Token {
    const token = this.#tokens[this.#at]
    if (!token) throw this.unexpected('more')
    this.#at++
    return token
  }

  takeSymbol(symbol: string): boolean {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'symbol' || token.text !== symbol) return false
    this.#at++
    return true
  }

  expectWord(word: string): void {
    if (!this.takeWord(word)) throw this.unexpected(word)
  }

  expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) throw this.unexpected(`'${symbol}'`)
  }

  /** One identifier, in lower case unless it is quoted. */
  takeIdentifier(): string {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'word' && token?.kind !== 'quoted') throw this.unexpected('a name')
    this.#at++
    return token.kind === 'word' ? token.text.toLowerCase() : token.text
  }

  /** `a.b.c` as its parts. */
  takeName(): string[] {
    const parts: string[] = []
    for (;;) {
      const token = this.#tokens[this.#at]
      if (token?.kind !== 'word' && token?.kind !== 'quoted') throw this.unexpected('a name')
      parts.push(token.text)
      this.#at++
      if (this.#tokens[this.#at]?.text !== '.' || this.#tokens[this.#at]?.kind !== 'symbol') return parts
      this.#at++
    }
  }

  takeString(): string {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'string') throw this.unexpected('a text in single quotes')
    this.#at++
    return token.text
  }

  expectEnd(): void {
    if (!this.done) throw this.unexpected('the end of the statement')
  }

  unexpected(expected: string): LandfallError {
    const token = this.#tokens[this.#at]
    const found = token ? `'${this.#text.slice(token.start, token.end)}'` : 'the end'
    const details = { ...lineColumnAt(this.#text, this.index) }
    return new LandfallError('fix-request', 'sql/syntax', `expected ${expected}, found ${found}`, { details })
  }
}
