/** What a verification finds, in the order it looks. */

export interface OffsetRange {
  partition: number
  /** [from, to) */
  from: number
  to: number
}

export interface Finding {
  /** `note`: worth knowing, nothing is wrong. */
  level: 'damage' | 'note'
  /** One line: what was looked at, expected, found. */
  message: string
  /** Path or URL of the file it is about. */
  file: string | null
  table: string | null
  /** Rows of the table that cannot be read. */
  rows: number | null
  /** Days (`2026-01-31`) that these rows are of; `null` in the list: rows without a time. */
  days: (string | null)[]
  /** Where these rows, or these records, stand in the log; as exact as can be told. */
  offsets: OffsetRange[]
  /** What `--repair` has done about it, or why it cannot; null when it was not asked. */
  repair: { done: boolean; message: string } | null
}

export interface Counted {
  files: number
  bytes: number
}

export interface VerifyReport {
  version: 1
  /** By kind: `log`, `data`, `manifest`, `metadata`, `other`. */
  checked: Record<string, Counted>
  /** Data files without a checksum (other engines', or from before there were any): size and rows were looked at. */
  unchecked: Counted
  /** Rows of each table's current snapshot, null where files are missing. */
  tables: { table: string; rows: number | null }[]
  findings: Finding[]
  /** Nothing is damaged, or all of it was repaired. */
  ok: boolean
}

type Said = Partial<Omit<Finding, 'message' | 'level'>>

/** Gathers the report. */
export class Findings {
  readonly list: Finding[] = []
  readonly checked: Record<string, Counted> = {}
  readonly unchecked: Counted = { files: 0, bytes: 0 }
  readonly tables: VerifyReport['tables'] = []

  damage(message: string, said: Said = {}): Finding {
    return this.#add('damage', message, said)
  }

  note(message: string, said: Said = {}): Finding {
    return this.#add('note', message, said)
  }

  count(kind: string, bytes: number): void {
    const counted = (this.checked[kind] ??= { files: 0, bytes: 0 })
    counted.files += 1
    counted.bytes += bytes
  }

  report(): VerifyReport {
    const ok = this.list.every(({ level, repair }) => level === 'note' || repair?.done === true)
    const { checked, unchecked, tables, list: findings } = this
    return { version: 1, checked, unchecked, tables, findings, ok }
  }

  #add(level: Finding['level'], message: string, said: Said): Finding {
    const finding: Finding = {
      level,
      message,
      file: null,
      table: null,
      rows: null,
      days: [],
      offsets: [],
      repair: null,
      ...said,
    }
    this.list.push(finding)
    return finding
  }
}
