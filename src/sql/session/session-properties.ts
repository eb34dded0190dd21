/** What SET SESSION can set: Trino's names for the few things that can be chosen for one query here. */
import { LandfallError } from '../../base/errors.ts'
import type { QueryOptions } from '../sql.ts'
import { nearestName } from '../text.ts'
import { checkTimeZone } from './time-zone.ts'

export interface SessionProperty {
  type: 'varchar' | 'bigint' | 'boolean'
  /** What holds when it is not set, as text; empty: the server's own limit. */
  default: string
  description: string
  /** What the value means for a query; throws when it is none. */
  apply(value: string): Partial<Pick<QueryOptions, 'timeoutMs' | 'rowsMax'>> & { timeZone?: string }
}

const UNITS_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
/** A timer takes no more. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

function timeout(description: string): SessionProperty {
  return {
    type: 'varchar',
    default: '',
    description,
    apply: (value) => ({ timeoutMs: durationMs(value) }),
  }
}

export const SESSION_PROPERTIES: Readonly<Record<string, SessionProperty>> = {
  query_max_execution_time: timeout('Maximum execution time of a query, at most the limit of the server'),
  query_max_run_time: timeout('Maximum run time of a query with queueing, at most the limit of the server'),
  query_max_output_rows: {
    type: 'bigint',
    default: '',
    description: 'Rows of an answer, at most the limit of the server; more are an error',
    apply: (value) => ({ rowsMax: positive(value) }),
  },
  time_zone_id: {
    type: 'varchar',
    default: '',
    description: 'Time zone of current times and of literals without a zone',
    apply: (value) => ({ timeZone: checkTimeZone(value) }),
  },
}

/** `1.5h` in milliseconds. Throws a plain error for what is no duration. */
function durationMs(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/.exec(text)
  const unit = UNITS_MS[match?.[2] ?? '']
  if (!match || unit === undefined) throw new Error(`duration is not a valid data duration string: ${text}`)
  return Math.min(Math.max(1, Math.round(Number(match[1]) * unit)), TIMEOUT_MS_MAX)
}

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error('expected a whole number from 1 on')
  return value
}

/** The property of a name. Throws `sql/invalid-session-property`. */
export function findSessionProperty(name: string, message: string, details = {}): SessionProperty {
  const known = Object.hasOwn(SESSION_PROPERTIES, name) ? SESSION_PROPERTIES[name] : undefined
  if (known) return known
  const near = nearestName(name, Object.keys(SESSION_PROPERTIES))
  throw new LandfallError('fix-request', 'sql/invalid-session-property', message, {
    hint: near === undefined ? 'SHOW SESSION lists what can be set' : `Did you mean ${near}?`,
    details,
  })
}

/** What the properties of a session mean for its next query. Throws `sql/invalid-session-property`. */
export function applySessionProperties(
  properties: Readonly<Record<string, string>>,
  details: Record<string, unknown> = {},
): {
  timeoutMs?: number
  rowsMax?: number
  timeZone?: string
} {
  const applied: { timeoutMs?: number; rowsMax?: number; timeZone?: string } = {}
  for (const [name, value] of Object.entries(properties)) {
    const property = findSessionProperty(name, `Unknown session property ${name}`)
    const { timeoutMs, ...others } = checked(name, value, property, details)
    if (timeoutMs !== undefined) applied.timeoutMs = Math.min(applied.timeoutMs ?? timeoutMs, timeoutMs)
    Object.assign(applied, others)
  }
  return applied
}

function checked(
  name: string,
  value: string,
  property: SessionProperty,
  details: Record<string, unknown>,
): ReturnType<SessionProperty['apply']> {
  try {
    return property.apply(value)
  } catch (error) {
    const reason = (error as Error).message
    const message = `${name} is invalid: ${value} (${reason})`
    throw new LandfallError('fix-request', 'sql/invalid-session-property', message, { details })
  }
}
