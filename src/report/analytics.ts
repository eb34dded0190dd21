/**
 * Analytics: questions about persons, as SQL.
 *
 * Each function takes plain options and returns one Trino SQL statement with a description of its columns. The statement is the same on
 * every driver of `sql`: our door, Trino, Presto. Names and values are quoted; nothing is asked here. Days, weeks (from Monday) and months
 * are those of UTC. Events of nobody (a NULL subject) count for no person. The order of rows is fixed, ties included.
 * Nothing gathers a list of events: what does not fit into memory the engine can put on disk.
 * All throw `report/analysis` (kind `fix-request`) for options that make no sense.
 */
export type { Analysis, AnalysisColumn } from './analytics/analysis.ts'
export { type FunnelOptions, type FunnelStep, funnel } from './analytics/funnel.ts'
export { activeUsers, type RevenueOptions, retention, revenuePerUser } from './analytics/persons.ts'
export { eventSource, fieldNames, fieldOf } from './analytics/pipeline-source.ts'
export { paths, type SessionOptions, sessions } from './analytics/sessions.ts'
export type {
  Comparison,
  Condition,
  EventSource,
  Field,
  From,
  MemberType,
  Period,
  Scalar,
  TimeField,
} from './analytics/source.ts'
export { type PercentilesOptions, percentiles, type TopOptions, topN } from './analytics/values.ts'
