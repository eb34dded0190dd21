/** Text that is being put together, with the places where its parts stood in the statement that the user wrote. */

/** Text, or text that stands for what was written at an index (UTF-16), or several in a row. */
export type Fragment = string | { text: Fragment; place: number } | readonly Fragment[]

export interface Assembled {
  sql: string
  /** Index in the written text for a byte of `sql`, as DuckDB reports places. */
  writtenAt(byte: number): number | undefined
  /** Bytes of `sql` where the text for these indexes begins. */
  bytesOf(indexes: ReadonlySet<number>): number[]
}

/** Joins fragments with a blank, so that no two words become one. */
export function assemble(fragment: Fragment): Assembled {
  const texts: string[] = []
  /** Of each text: the byte it begins at, and its index in what was written. */
  const starts: number[] = []
  const indexes: number[] = []
  let bytes = 0
  const add = (part: Fragment, at: number) => {
    if (typeof part === 'string') {
      if (part === '') return
      texts.push(part)
      starts.push(bytes)
      indexes.push(at)
      bytes += Buffer.byteLength(part) + 1
    } else if ('place' in part) add(part.text, part.place)
    else for (const inner of part) add(inner, at)
  }
  add(fragment, 0)
  const writtenAt = (byte: number) => {
    if (!(byte >= 0) || byte > bytes) return undefined
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= byte) low = middle + 1
      else high = middle
    }
    return indexes[low - 1]
  }
  const bytesOf = (wanted: ReadonlySet<number>) => starts.filter((_, i) => wanted.has(indexes[i]!))
  return { sql: texts.join(' '), writtenAt, bytesOf }
}

/** Fragments with a separator between. */
export function joined(fragments: readonly Fragment[], separator = ','): Fragment[] {
  return fragments.flatMap((fragment, i) => (i === 0 ? [fragment] : [separator, fragment]))
}

/** A call; every argument is an expression of its own. */
export function call(name: string, ...args: Fragment[]): Fragment {
  return [name, '(', joined(args), ')']
}
