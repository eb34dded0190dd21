/**
 * Spark's relation of a Kafka topic → records as Landfall sees them. What our doors wrote into the headers is read as
 * src/lander/intake.ts does it; a foreign record, without them, has its own timestamp and an id derived from its place in the log.
 */
import { HEALED_PREFIX } from '../../../../model/healed.ts'
import { recordHeader } from '../../../../model/record.ts'
import { literal } from './text.ts'

/** Names of sources and plans are short; longer texts are a foreign producer's and mean nothing here. */
const NAME_BYTES_MAX = 128
/** The namespace of ids that Landfall derives (base/ids.ts). */
const NAMESPACE = '6d1b0f0a7c5e4d5a9e0b1c5a0f3d2e11'

/**
 * `kafka` is the name of a relation with the columns of Spark's Kafka source, `includeHeaders` on. Columns: partition, offset,
 * received_at, happened_at (received_at, of a healed event that of its dead letter), event_id, is_read (a door has read the value strictly),
 * plan and source (NULL: none), route, request (JSON of request headers, or NULL), value (binary, never NULL).
 */
export function recordsSelect(kafka: string, logId: string): string {
  const id = `CAST(${header(recordHeader.eventId)} AS STRING)`
  const ownId = `CASE WHEN octet_length(${header(recordHeader.eventId)}) <= ${NAME_BYTES_MAX} AND ${id} RLIKE ${literal('^[!-~]+\\z')} THEN ${id} END`
  const micros = `coalesce(try_cast(CAST(${header(recordHeader.micros)} AS STRING) AS INT), 0)`
  const happened = `try_cast(CASE WHEN CAST(${header(recordHeader.happened)} AS STRING) RLIKE ${literal('^[0-9]{1,16}\\z')} THEN CAST(${header(recordHeader.happened)} AS STRING) END AS BIGINT)`
  const inner = [
    'partition',
    'offset',
    `timestamp_micros(unix_millis(timestamp) * 1000 + ${micros}) AS received_at`,
    `${ownId} AS own_id`,
    `${happened} AS happened`,
    `${nameOf(recordHeader.plan)} AS plan`,
    `${nameOf(recordHeader.source)} AS source`,
    `exists(headers, h -> h.key = ${literal(recordHeader.route)}) AS route`,
    `CAST(${header(recordHeader.requestHeaders)} AS STRING) AS request`,
    `coalesce(value, X'') AS value`,
  ]
  // Control characters would be no text to DuckDB; a record that has them there was written by nobody's door.
  const request = `CASE WHEN request <> '' AND is_valid_utf8(request) AND NOT request RLIKE ${literal('[\\x00-\\x1F]')} THEN request END`
  const happenedAt = `CASE WHEN startswith(own_id, ${literal(HEALED_PREFIX)}) AND happened <= ${Number.MAX_SAFE_INTEGER} THEN timestamp_micros(happened) ELSE received_at END`
  return [
    `SELECT partition, offset, received_at, ${happenedAt} AS happened_at, coalesce(own_id, ${derivedId(logId)}) AS event_id, own_id IS NOT NULL AND plan IS NOT NULL AS is_read, plan, source, route, ${request} AS request, value`,
    `FROM (SELECT ${inner.join(', ')} FROM ${kafka})`,
  ].join('\n')
}

/** The first header of a name; NULL when there is none. */
function header(name: string): string {
  return `get(filter(headers, h -> h.key = ${literal(name)}), 0).value`
}

function nameOf(name: string): string {
  const value = header(name)
  return `CASE WHEN octet_length(${value}) BETWEEN 1 AND ${NAME_BYTES_MAX} THEN decode(${value}, 'ISO-8859-1') END`
}

/** UUIDv5 (RFC 9562 §5.5) of "<log id>/<partition>/<offset>". */
function derivedId(logId: string): string {
  const name = `concat(${literal(`${logId}/`)}, partition, '/', offset)`
  const hash = `sha1(concat(X'${NAMESPACE}', CAST(${name} AS BINARY)))`
  const pieces = [
    `substr(${hash}, 1, 8)`,
    `substr(${hash}, 9, 4)`,
    `concat('5', substr(${hash}, 14, 3))`,
    `concat(translate(substr(${hash}, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab'), substr(${hash}, 18, 3))`,
    `substr(${hash}, 21, 12)`,
  ]
  return `concat_ws('-', ${pieces.join(', ')})`
}
