/** Keeps what was used last, up to so many entries. Long keys are not kept, so what it holds is bounded in bytes too. */
export class Recent<V> {
  readonly #entriesMax: number
  readonly #keyMax: number
  /** In order of use, the latest last. */
  readonly #entries = new Map<string, V>()

  /** `keyMax`: characters of a key. */
  constructor(entriesMax: number, keyMax: number) {
    this.#entriesMax = entriesMax
    this.#keyMax = keyMax
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    if (key.length > this.#keyMax) return
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#entriesMax) this.#entries.delete(this.#entries.keys().next().value!)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}
