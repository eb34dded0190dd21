/** `landfall deadletters show`: one event, where it is wrong, and what the plan wants of it. */

import { LandfallError } from '../../base/errors.ts'
import { HEALED_PREFIX } from '../../model/healed.ts'
import { isProblem, scanObject } from '../../model/json-scan.ts'
import type { Plan, PlanProperty } from '../../model/plan.ts'
import { loadPlan } from '../../model/plan-store.ts'
import { openPlans } from '../../pipeline/plans.ts'
import { openStorageAt } from '../../pipeline/rooms.ts'
import { stringifyExact } from '../../sql/json.ts'
import { lookPlaces } from '../places.ts'
import { type AskOptions, ask, type Flags, type Row } from './ask.ts'
import { sqlText } from './filters.ts'

/** One id may have several letters: the first that did not fit, and conflicts with it. */
const SHOWN_MAX = 10

export async function showLetter(which: string, options: AskOptions, flags: Flags): Promise<void> {
  const place = /^(?:.*\/)?(\d+)\/(\d+)$/.exec(which)
  const where = place
    ? `d."partition" = ${place[1]} AND d."offset" = ${place[2]}`
    : `d.event_id = ${sqlText(which)}`
  const healed = `split_part(e.event_id, '/', 2) = CAST(d."partition" AS varchar) AND split_part(e.event_id, '/', 3) = CAST(d."offset" AS varchar)`
  const [letters, healing] = await ask(
    flags,
    options,
    `SELECT d.* FROM dead_letters d WHERE ${where} ORDER BY d.received_at, d."partition", d."offset" LIMIT ${SHOWN_MAX}`,
    `SELECT d."partition", d."offset", e.event_id AS healed_by, e.received_at AS healed_at FROM dead_letters d JOIN events e ON ${healed} WHERE e.event_id LIKE '${HEALED_PREFIX}%' AND ${where} LIMIT ${SHOWN_MAX}`,
  )
  if (letters!.length === 0) {
    throw new LandfallError('fix-request', 'deadletters/unknown', `there is no dead letter ${which}`, {
      hint: 'Give an event id, a place such as 0/4711, or a receipt; "landfall deadletters" lists them',
    })
  }
  const rows = letters!.map((letter): Row => {
    const by = healing!.find(
      (row) => row['partition'] === letter['partition'] && row['offset'] === letter['offset'],
    )
    return { ...letter, healed_by: by?.['healed_by'] ?? null, healed_at: by?.['healed_at'] ?? null }
  })
  if (options.json) process.stdout.write(`${stringifyExact(rows)}\n`)
  else for (const row of rows) process.stdout.write(`${await text(row, options)}\n`)
}

async function text(letter: Row, options: AskOptions): Promise<string> {
  const facts: [string, unknown][] = [
    ['id', letter['event_id']],
    ['place', `${letter['partition']}/${letter['offset']}`],
    ['received', letter['received_at']],
    ['source', letter['source']],
    ['reason', letter['reason']],
    ['field', letter['field']],
    ['detail', letter['detail']],
    ['headers', letter['request_headers']],
    ['healed', letter['healed_by'] === null ? 'no' : `${letter['healed_at']} as ${letter['healed_by']}`],
  ]
  const lines = facts
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => `${name.padEnd(10)}${value}`)
  const wanted = await wantedBy(letter, options)
  return [...lines, '', ...eventLines(letter), ...(wanted.length > 0 ? ['', ...wanted] : []), ''].join('\n')
}

/** The event with one member a line, and a mark at the one that is wrong. */
function eventLines(letter: Row): string[] {
  const raw = String(letter['raw_event'])
  const members = scanObject(raw)
  if (isProblem(members)) return [raw, `${' '.repeat(Math.min(members.at, raw.length))}^ ${members.problem}`]
  const field = letter['field']
  const lines = members.map(({ name, start, end }, i) => {
    const comma = i + 1 < members.length ? ',' : ''
    const mark = name === field ? `    <- ${letter['detail']}` : ''
    return `  ${JSON.stringify(name)}: ${raw.slice(start, end)}${comma}${mark}`
  })
  const isAbsent = typeof field === 'string' && !members.some(({ name }) => name === field)
  return ['{', ...lines, ...(isAbsent ? [`                  <- ${letter['detail']}`] : []), '}']
}

/** What the plan that it was sent under says of the event; nothing when the plan is not kept here. */
async function wantedBy(letter: Row, options: AskOptions): Promise<string[]> {
  const plan = await planOf(String(letter['plan_version']), options)
  if (plan === undefined) return []
  const event = plan.events[String(letter['event_type'])]
  if (event === undefined) {
    return [`plan ${plan.version} has the events ${Object.keys(plan.events).sort().join(', ')}`]
  }
  const properties = event.properties.map((property) => `  ${property.name}: ${describe(property)}`)
  return [
    `plan ${plan.version} wants of ${event.name}`,
    ...(properties.length > 0 ? properties : ['  nothing more']),
  ]
}

async function planOf(version: string, options: AskOptions): Promise<Plan | undefined> {
  const places = await lookPlaces(options)
  return loadPlan(openPlans(places, await openStorageAt(places, { readOnly: true })), version)
}

function describe({
  type,
  required,
  nullable,
  oneOf,
  minimum,
  maximum,
  minLength,
  maxLength,
  jsonKind,
}: PlanProperty): string {
  const bounds = [
    oneOf && `one of ${oneOf.map((one) => JSON.stringify(one)).join(', ')}`,
    minimum !== undefined && `at least ${minimum}`,
    maximum !== undefined && `at most ${maximum}`,
    minLength !== undefined && `at least ${minLength} characters`,
    maxLength !== undefined && `at most ${maxLength} characters`,
  ].filter((bound) => typeof bound === 'string')
  return [
    jsonKind ?? type,
    ...(nullable ? ['or null'] : []),
    ...bounds,
    ...(required ? [] : ['(may be absent)']),
  ]
    .join(', ')
    .replaceAll(', or null', ' or null')
    .replaceAll(', (may', ' (may')
}
