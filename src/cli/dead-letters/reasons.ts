import { HEALED_PREFIX } from '../../model/healed.ts'
import { type AskOptions, ask, type Flags, print } from './ask.ts'
import { type FilterOptions, letterFilter, whereSql } from './filters.ts'

/** `landfall deadletters reasons`: the largest group first. */
export async function listReasons(options: FilterOptions & AskOptions, flags: Flags): Promise<void> {
  const filter = letterFilter(options)
  // The id of a healed event ends with the place of its letter.
  const [rows] = await ask(
    flags,
    options,
    `WITH healed AS (SELECT split_part(event_id, '/', 2) AS p, split_part(event_id, '/', 3) AS o FROM events WHERE event_id LIKE '${HEALED_PREFIX}%')
     SELECT d.reason, d.field, d.event_type, count(*) AS letters, count(h.o) AS healed, min(d.received_at) AS first_at, max(d.received_at) AS last_at,
       max_by(d.event_id, d.received_at) AS event_id, max_by(d.detail, d.received_at) AS detail
     FROM dead_letters d LEFT JOIN healed h ON h.p = CAST(d."partition" AS varchar) AND h.o = CAST(d."offset" AS varchar)${whereSql(filter)}
     GROUP BY d.reason, d.field, d.event_type ORDER BY letters DESC, d.reason, d.field, d.event_type LIMIT ${filter.limit}`,
  )
  print(
    rows!,
    options.json,
    [
      ['Reason', 'reason'],
      ['Field', 'field'],
      ['Event', 'event_type'],
      ['Letters', 'letters'],
      ['Healed', 'healed'],
      ['First', 'first_at'],
      ['Last', 'last_at'],
      ['Example', 'detail'],
      ['Id', 'event_id'],
    ],
    new Set([3, 4]),
  )
}
