/** What every function of the analytics returns. */
export interface AnalysisColumn {
  name: string
  /**
   * What its values are, for whoever draws them: `period` a date that begins a day, week or month; `label` what a row is about; `order`
   * its place; `count` a whole number; `amount` a number in the unit of the field; `share` 0 to 1; `duration` in seconds.
   */
  kind: 'period' | 'label' | 'order' | 'count' | 'amount' | 'share' | 'duration'
  /** For a reader, in one line. */
  text: string
}

export interface Analysis {
  /** One statement that reads; the same for our door, Trino and Presto. Its order is fixed: equal data, equal answer. */
  sql: string
  /** The columns of its answer, in order. */
  columns: readonly AnalysisColumn[]
}

export function column(name: string, kind: AnalysisColumn['kind'], text: string): AnalysisColumn {
  return { name, kind, text }
}
