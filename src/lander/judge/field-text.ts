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
  /** SQL of the field, within a select that has `s` (the struct), `x0`… (below) and `raw`. */
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

  /** Fixes the SQL. DuckDB's structs fold case: of names that are equal but for case only the first is in the struct. */
  seal(): { struct: string; apart: string[] } {
    const shape: Record<string, string> = Object.create(null) as Record<string, string>
    const apart: string[] = []
    const folded = new Set<string>()
    for (const field of this.#fields.values()) {
      const fold = field.name.toLowerCase()
      if (folded.has(fold) || field.name === '') {
        field.mode = 'json'
        field.sql = `x${apart.length}`
        apart.push(
          `TRY(nullif(json_extract(raw, ${pointer(field.name)})::VARCHAR, 'null')) AS x${apart.length}`,
        )
        continue
      }
      folded.add(fold)
      shape[field.name] = field.mode === 'text' ? 'VARCHAR' : 'JSON'
      field.sql =
        field.mode === 'text' ? `s.${identifier(field.name)}` : `s.${identifier(field.name)}::VARCHAR`
    }
    return { struct: `TRY(json_transform(raw, ${literal(JSON.stringify(shape))})) AS s`, apart }
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
