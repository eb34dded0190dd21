/** Records → verdicts. */
import type { CompiledPipeline } from '../../../../model/pipeline.ts'
import type { Plan } from '../../../../model/plan.ts'
import { TIME_MAX_MICROS, TIME_MIN_MICROS } from '../../../../model/time.ts'
import { asText, hasLoneSurrogate, isObject, member, readable, readMarked, readTexts } from './json.ts'
import { malformedDetail } from './malformed.ts'
import { planData } from './plan-data.ts'
import { choose, literal, once } from './text.ts'
import { isTime, microsOf } from './values.ts'
import { detailOf, faultOf } from './verdict.ts'

export function judgedSelect(
  pipeline: CompiledPipeline,
  plans: readonly Plan[],
  records: string,
  faults: string | undefined,
): string {
  const { lists, places } = planData(plans)
  const current = literal(pipeline.plan.version)
  const known = plans.map(({ version }) => literal(version)).join(', ')
  const malformed = `IF(is_text, ${malformedDetail('raw')}, IF(is_read, 'bytes that are no text', 'not UTF-8'))`
  const steps: string[][] = [
    [
      'partition, offset, received_at, happened_at, event_id, is_read, value, request AS request_headers',
      `IF(plan IN (${known}), plan, ${current}) AS plan`,
      `coalesce(plan, ${current}) AS plan_version`,
      `coalesce(source, ${literal(pipeline.sources[0]?.name ?? '')}) AS source`,
      'CAST(value AS STRING) AS raw',
      'is_valid_utf8(CAST(value AS STRING)) AS is_text',
      `${readTexts('request')} AS request`,
    ],
    ['*', `${once(`IF(is_text, ${readMarked('raw')}, NULL)`)} AS read`],
    [
      '* EXCEPT (read)',
      `IF(${isObject('read')} AND NOT ${hasLoneSurrogate('raw')}, get(read, 0), NULL) AS fields`,
    ],
    [
      '*',
      `get(${lists}, ${places}[plan][${member('fields', 'event_type')}]) AS properties`,
      `${sentSql(pipeline)} AS sent`,
    ],
    ['* EXCEPT (properties)', `${once(faultOf('fields', 'properties'))} AS fault`],
    [
      '* EXCEPT (fault, sent, value, is_read, is_text, raw, happened_at)',
      `IF(fields IS NULL, ${readable('value')}, raw) AS raw`,
      `${asText(member('fields', 'event_type'))} AS event_type`,
      `${timestampSql(pipeline)} AS ts`,
      `IF(fault IS NULL, 'landed', 'dead') AS fate`,
      'fault.reason AS reason',
      'fault.field AS field',
      `${detailOf('fault', 'raw', 'fields', malformed)} AS detail`,
    ],
  ]
  const own = steps.reduce(
    (from, columns) => `SELECT ${columns.join(',\n')}\nFROM (${from})`,
    `TABLE ${records}`,
  )
  if (faults === undefined) return own
  const decided = ['fate', 'reason', 'field', 'detail']
  const columns = decided.map((name) => `IF(f.fate IS NULL, j.${name}, f.${name}) AS ${name}`)
  return `SELECT /*+ BROADCAST(f) */ j.* EXCEPT (${decided.join(', ')}), ${columns.join(', ')}
FROM (${own}) AS j LEFT JOIN ${faults} AS f ON j.partition = f.partition AND j.offset = f.offset`
}

/** The client's time as marked JSON, of sources that are trusted with it. */
function sentSql({ sources }: CompiledPipeline): string {
  const branches = sources.flatMap(({ name, trustTime }) =>
    trustTime === null ? [] : [[`source = ${literal(name)}`, member('fields', trustTime.field)] as const],
  )
  return branches.length === 0 ? 'CAST(NULL AS STRING)' : choose(branches)
}

/** `timestamp`: received_at (a healed event's: its letter's), or the client's time where it lies inside its source's bounds. */
function timestampSql({ sources }: CompiledPipeline): string {
  const micros = microsOf('sent')
  const branches = sources.flatMap(({ name, trustTime }) => {
    if (trustTime === null) return []
    const received = 'unix_micros(happened_at)'
    const inside = `${micros} BETWEEN ${received} - ${trustTime.pastMs * 1000} AND ${received} + ${trustTime.futureMs * 1000}`
    return [[`source = ${literal(name)}`, inside] as const]
  })
  if (branches.length === 0) return 'happened_at'
  const valid = `${isTime('sent')} AND ${micros} BETWEEN ${TIME_MIN_MICROS} AND ${TIME_MAX_MICROS}`
  return `IF(${valid} AND ${choose(branches)}, timestamp_micros(${micros}), happened_at)`
}
