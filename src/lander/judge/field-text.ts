/** SQL of identifiers and literals. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** JSON pointer (RFC 6901) of a top-level name, as an SQL literal: the one path syntax in which any name can be said. */
export function pointer(name: string): string {
  return literal(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
}

/**
 * How the fields of an event reach SQL: one `json_transform` takes all of them in one parse.
 *
 * `text`: a string arrives unescaped, anything else as its JSON text; cheap, but `5` and `"5"` look alike. `json`: JSON text
 * always, so the first character tells the kind. Null and absent are both NULL.
 */
export interface FieldText {
  name: string
  mode: 'text' | 'json'
  /** The column it is in. */
  sql: string
}

export class FieldTexts {
  readonly #fields = new Map<string, FieldText>()

  /** Says that a field is needed. Asked for in both modes it is JSON text. */
  need(name: string, mode: FieldText['mode']): void {
    const field = this.#fields.get(name)
    if (field === undefined) this.#fields.set(name, { name, mode, sql: '' })
    else if (mode === 'json') field.mode = 'json'
  }

  /**
   * Fixes the SQL: `struct` makes s and the texts that stand apart, `columns` makes a column of each field out of them, once.
   * DuckDB's structs fold case: of names that are equal but for case only the first is in the struct. `strict`: values that are no
   * JSON make the statement fail instead of being null, which costs less.
   */
  seal(strict: boolean): { struct: string; columns: string[] } {
    const shape: Record<string, string> = Object.create(null) as Record<string, string>
    const apart: string[] = []
    const columns: string[] = []
    const folded = new Set<string>()
    for (const field of this.#fields.values()) {
      const fold = field.name.toLowerCase()
      field.sql = `f${columns.length}`
      if (folded.has(fold) || field.name === '') {
        field.mode = 'json'
        columns.push(`x${apart.length} AS ${field.sql}`)
        apart.push(
          // TRY around nothing else: of nullif DuckDB makes a CASE, and computes what stands in it twice outside of TRY.
          `nullif(TRY(json_extract(raw, ${pointer(field.name)}))::VARCHAR, 'null') AS x${apart.length}`,
        )
        continue
      }
      folded.add(fold)
      shape[field.name] = field.mode === 'text' ? 'VARCHAR' : 'JSON'
      columns.push(`s.${identifier(field.name)}::VARCHAR AS ${field.sql}`)
    }
    const transform = `json_transform(raw, ${literal(JSON.stringify(shape))})`
    const struct = strict ? transform : `TRY(${transform})`
    return { struct: [`${struct} AS s`, ...apart].join(', '), columns }
  }

  get(name: string): FieldText {
    return this.#fields.get(name)!
  }

  /** The field as a reader of text sees it: a string as it stands, anything else as its JSON text. */
  asText(name: string): string {
    const { mode, sql } = this.get(name)
    return mode === 'text'
      ? sql
      : `CASE WHEN starts_with(${sql}, '"') THEN ${sql}::JSON ->> '$' ELSE ${sql} END`
  }
}
