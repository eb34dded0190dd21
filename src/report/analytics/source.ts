/** What an analysis reads: events of persons, in time, out of one or several tables. */
import { LandfallError } from '../../base/errors.ts'
import { quoteIdentifier, quoteText } from '../../sql/text.ts'

/** Types that a member of a JSON text is cast to. */
export type MemberType =
  | 'varchar'
  | 'bigint'
  | 'double'
  | 'boolean'
  | 'date'
  | `decimal(${number}, ${number})`

/**
 * A column of the table; or a member of the JSON text in the column `of` (default `raw_event`), as text or cast to `type`: NULL where
 * it is absent, null or does not fit.
 */
export type Field = { column: string } | { member: string; of?: string; type?: MemberType }

/**
 * When something happened: a column of type `timestamp with time zone`; or the time that the event itself says in a member of
 * `raw_event`, where that lies within `pastMs` before and `futureMs` behind the column `received`, else `received`. As the lander
 * fills `timestamp` of a source with `trustTime`, to the millisecond.
 */
export type TimeField =
  | { column: string }
  | { trusted: string; received: string; pastMs: number; futureMs: number }

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>=' | 'in' | 'is null' | 'is not null'
export type Scalar = string | number | bigint | boolean | Date

/** `{ field: { column: 'cost' }, is: '>', value: 10 }`; `in` takes a list; `is null` and `is not null` take no value. */
export interface Condition {
  field: Field
  is: Comparison
  value?: Scalar | readonly Scalar[]
}

export interface EventSource {
  table: string
  /** Snapshot of the table (`"t$snapshots".snapshot_id`); default: as it is now. */
  at?: bigint
  /** Who it was. Events of nobody (NULL) are no part of any analysis of persons. */
  subject: Field
  time: TimeField
  /** What it was. */
  event: Field
  /** Which visit it belongs to; default: visits are told apart by time. */
  session?: Field
  /** Only these; all conditions hold. */
  where?: readonly Condition[]
  /** From here on … */
  since?: Date
  /** … and before this. */
  until?: Date
}

/** One table, or several whose events are taken together. */
export type From = EventSource | readonly EventSource[]

/** Text of the value of a field. */
export function fieldSql(field: Field, as?: MemberType): string {
  if ('column' in field) return quoteIdentifier(field.column)
  const { member, of = 'raw_event', type = as ?? 'varchar' } = field
  const text = `json_extract_scalar(${quoteIdentifier(of)}, ${quoteText(memberPath(member))})`
  return type === 'varchar' ? text : `TRY_CAST(${text} AS ${type})`
}

/** The one way to say a member's name that Trino, Presto and our door read alike. */
function memberPath(name: string): string {
  if (/^[A-Za-z_]\w*$/.test(name)) return `$.${name}`
  if (!/["\\\p{Cc}]/u.test(name)) return `$["${name}"]`
  throw badAnalysis(
    `a member whose name has quotes, backslashes or control characters: ${JSON.stringify(name)}`,
  )
}

function timeSql(time: TimeField): string {
  // In the zone of UTC, whatever the session's is: days, weeks and months are those of UTC.
  if ('column' in time) return `${quoteIdentifier(time.column)} AT TIME ZONE 'UTC'`
  const { trusted, received, pastMs, futureMs } = time
  const text = fieldSql({ member: trusted })
  const own = `TRY(from_iso8601_timestamp(CASE WHEN regexp_like(${text}, '[Zz]$|[+-][0-9]{2}:[0-9]{2}$') THEN ${text} END))`
  const at = quoteIdentifier(received)
  return `CASE WHEN ${own} BETWEEN ${at} - ${intervalSql(pastMs)} AND ${at} + ${intervalSql(futureMs)}
      THEN ${own} AT TIME ZONE 'UTC' ELSE ${at} AT TIME ZONE 'UTC' END`
}

/** An interval of days to seconds, of whole milliseconds. */
export function intervalSql(ms: number): string {
  if (!Number.isSafeInteger(ms) || ms < 0) throw badAnalysis(`a length of time of ${ms} ms`)
  const seconds = Math.floor(ms / 1000)
  const rest = ms % 1000
  return `INTERVAL '${seconds}${rest === 0 ? '' : `.${String(rest).padStart(3, '0')}`}' SECOND`
}

export function timestampSql(time: Date): string {
  if (Number.isNaN(time.getTime())) throw badAnalysis('a time that is none')
  return `TIMESTAMP '${time.toISOString().replace('T', ' ').replace('Z', '')} UTC'`
}

function scalarSql(value: Scalar): string {
  if (typeof value === 'string') return quoteText(value)
  if (typeof value === 'boolean') return String(value)
  if (value instanceof Date) return timestampSql(value)
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value)
  if (Number.isFinite(value)) return value.toExponential()
  throw badAnalysis(`a comparison with ${value}`)
}

function memberTypeOf(value: Scalar | undefined): MemberType {
  if (typeof value === 'bigint') return 'bigint'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'bigint' : 'double'
  return typeof value === 'boolean' ? 'boolean' : 'varchar'
}

export function conditionSql({ field, is, value }: Condition): string {
  if (is === 'is null' || is === 'is not null') return `${fieldSql(field)} ${is.toUpperCase()}`
  const values = (Array.isArray(value) ? value : [value]) as readonly (Scalar | undefined)[]
  if (values.some((one) => one === undefined)) throw badAnalysis(`a condition with ${is} without a value`)
  const left = fieldSql(
    field,
    memberTypeOf(values.find((one) => memberTypeOf(one) === 'double') ?? values[0]),
  )
  if (is === 'in')
    return values.length === 0 ? 'false' : `${left} IN (${values.map((one) => scalarSql(one!)).join(', ')})`
  if (values.length !== 1) throw badAnalysis(`a condition with ${is} and ${values.length} values`)
  return `${left} ${is} ${scalarSql(values[0]!)}`
}

export function allOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? 'true' : conditions.map((one) => `(${one})`).join(' AND ')
}

/** What is taken of each event beside who and when: name of a column → its text for a source. */
export type Outputs = Record<string, (source: EventSource) => string>

/**
 * SELECT of `subject`, `moment` (in UTC) and the outputs, over all sources.
 * `anybody`: with the events of nobody. `keep`: only rows for which it holds; it may name what is selected.
 */
export function eventsSql(
  from: From,
  outputs: Outputs,
  { anybody = false, keep }: { anybody?: boolean; keep?: string } = {},
): string {
  const sources = Array.isArray(from) ? (from as readonly EventSource[]) : [from as EventSource]
  if (sources.length === 0) throw badAnalysis('no table')
  const selects = sources.map((source) => {
    const { table, at, where = [] } = source
    const selected = [
      `${fieldSql(source.subject)} AS subject`,
      `${timeSql(source.time)} AS moment`,
      ...Object.entries(outputs).map(([name, text]) => `${text(source)} AS ${name}`),
    ]
    const version = at === undefined ? '' : ` FOR VERSION AS OF ${at}`
    const conditions = where.map(conditionSql)
    const filter = conditions.length === 0 ? '' : `\n    WHERE ${allOf(conditions)}`
    const inner = `SELECT ${selected.join(',\n      ')}\n    FROM ${quoteIdentifier(table)}${version}${filter}`
    const kept = [
      ...(anybody ? [] : ['subject IS NOT NULL']),
      ...(source.since === undefined ? [] : [`moment >= ${timestampSql(source.since)}`]),
      ...(source.until === undefined ? [] : [`moment < ${timestampSql(source.until)}`]),
      ...(keep === undefined ? [] : [keep]),
    ]
    const outer = kept.length === 0 ? '' : `\n  WHERE ${kept.join(' AND ')}`
    return `SELECT subject, moment${Object.keys(outputs)
      .map((name) => `, ${name}`)
      .join('')}\n  FROM (\n    ${inner}\n  ) AS found${outer}`
  })
  return selects.join('\n  UNION ALL\n  ')
}

export type Period = 'day' | 'week' | 'month'

/** First day of the period of a moment. Weeks begin on Monday. */
export function periodSql(period: Period, moment: string): string {
  if (!['day', 'week', 'month'].includes(period)) throw badAnalysis(`a period of one ${String(period)}`)
  return `CAST(date_trunc('${period}', ${moment}) AS date)`
}

/** A whole number in bounds, since it goes into the statement as it stands. */
export function wholeNumber(what: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw badAnalysis(`${what}: expected a whole number from ${min} to ${max}, found ${value}`)
}

export function badAnalysis(message: string): LandfallError {
  return new LandfallError('fix-request', 'report/analysis', `this cannot be analysed: ${message}`)
}
