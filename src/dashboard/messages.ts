/** What the server tells the page, as JSON. Both import these types, and nothing else of each other. */

/** How a stage is: `bad` is red. `unknown`: nothing of this machine tells. */
export type Level = 'ok' | 'warn' | 'bad' | 'unknown'
export type StageName = 'door' | 'log' | 'lander' | 'lake' | 'sql'

export interface Problem {
  stage: StageName
  level: 'warn' | 'bad'
  /** One sentence: what is wrong. */
  text: string
  /** What to do about it. */
  hint: string
}

export interface LedgerSum {
  closes: boolean
  accepted: number
  landed: number
  dead: number
  duplicate: number
  pending: number
  /** What does not add up, one line each. */
  findings: string[]
}

/** What one commit of `events` decided; `from` is when the one before it was made, at most 15 s earlier. */
export interface CommitSpan {
  batch: number
  /** Milliseconds since 1970. */
  from: number
  to: number
  landed: number
  dead: number
  duplicate: number
}

export interface Refusal {
  reason: string
  status: number
  /** Requests and single events. */
  count: number
}

/** The picture of the flow. Rates are per second over the last seconds; null until there are two looks. */
export interface Flow {
  levels: Record<StageName, Level>
  /** The worst first. */
  problems: Problem[]
  /** Of this machine; null where none was started by `landfall up`. */
  processes: Record<'door' | 'lander' | 'query', { pid: number; alive: boolean }> | null
  door: { url: string | null; rate: number | null; refused: number; refusals: Refusal[] }
  log: { topic: string; records: number; start: number; end: number; partitions: number }
  lander: {
    batch: number
    /** Accepted and not committed. */
    pending: number
    /** How long the oldest of these has waited, in seconds; 0 without any. */
    pendingS: number
    error: string | null
  }
  lake: {
    tables: number
    rows: number
    files: number
    /** Milliseconds since 1970 of the newest commit; null before the first. */
    committedAt: number | null
  }
  /** `behindS`: age in seconds of the oldest event that the next answer will not hold; 0 when it will hold all. */
  sql: { behindS: number; spool: boolean }
  disk: { freeBytes: number; share: number; reserve: number } | null
  ledger: LedgerSum | null
  /** Of the last 15 minutes, oldest first, at most 300. */
  commits: CommitSpan[]
}

/** One event of the live tail. */
export interface TailEvent {
  partition: number
  offset: number
  /** Milliseconds since 1970. */
  at: number
  id: string
  /** Null when the text is no JSON object or names none. */
  type: string | null
  /** The event's text, cut at 4,000 characters. */
  text: string
}

export interface TailMessage {
  events: TailEvent[]
  /** Matching events that were left out since the last message, because there were too many to look at. */
  skipped: number
}

export interface TableEntry {
  name: string
  kind: 'table' | 'view' | 'reference'
  /** Of tables; null for the others. */
  rows: number | null
  files: number | null
  bytes: number | null
  batch: number | null
  committedAt: number | null
  /** Empty for the others: asking for them wakes the engine. */
  columns: Column[]
}

export interface Column {
  name: string
  type: string
}

export interface SnapshotEntry {
  /** 64-bit, as text. */
  id: string
  committedAt: number
  operation: string
  batch: number | null
  addedRows: number
  addedFiles: number
  rows: number
  files: number
  current: boolean
}

export interface FileEntry {
  path: string
  rows: number
  bytes: number
  partition: string
}

export interface TableDetail extends TableEntry {
  partitionedBy: string
  location: string
  /** The newest first. */
  snapshots: SnapshotEntry[]
  /** Of the current snapshot, the newest first, at most 200. */
  newestFiles: FileEntry[]
}

export interface Names {
  tables: { name: string; columns: string[] }[]
  keywords: string[]
  functions: string[]
}

export interface Download {
  /** Where to fetch it, once, within five minutes. */
  path: string
  rows: number
  bytes: number
}

/** What the report's analytics return: a statement, and what the columns of its answer are. */
export interface AnalysisStatement {
  sql: string
  columns: {
    name: string
    kind: 'period' | 'label' | 'order' | 'count' | 'amount' | 'share' | 'duration'
    text: string
  }[]
}

export interface RepairPreview {
  letters: number
  heals: number
  remains: number
  healedBefore: number
  onTheirWay: number
  groups: {
    why: string
    reason: string
    field: string | null
    event: string | null
    letters: number
    detail: string
  }[]
  examples: { id: string; before: string; after: string }[]
}

export interface EventShape {
  name: string
  properties: { name: string; type: string }[]
}

export interface About {
  pipeline: string
  version: string
  /** The name that is proven; null: the page may call itself what it likes. */
  user: string | null
  events: EventShape[]
  /** What an analysis can be by: members and columns of `events`. */
  fields: string[]
  subject: string | null
  session: string | null
  questions: { name: string; title: string; sql: string; chart: string }[]
  /** Files beside the pipeline that may repair dead letters; null: no preview here. */
  repairs: string[] | null
}

/** The body of an answer that is no success. */
export interface Failure {
  error: string
  hint?: string
  code?: string
}
