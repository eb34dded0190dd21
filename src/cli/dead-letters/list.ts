import { type AskOptions, ask, type Flags, print } from './ask.ts'
import { type FilterOptions, letterFilter, whereSql } from './filters.ts'

/** `landfall deadletters`: the newest first. */
export async function listLetters(options: FilterOptions & AskOptions, flags: Flags): Promise<void> {
  const filter = letterFilter(options)
  const [rows] = await ask(
    flags,
    options,
    `SELECT d.received_at, d.reason, d.field, d.event_type, d.detail, d.event_id, concat(CAST(d."partition" AS varchar), '/', CAST(d."offset" AS varchar)) AS place
     FROM dead_letters d${whereSql(filter)} ORDER BY d.received_at DESC, d."partition", d."offset" DESC LIMIT ${filter.limit}`,
  )
  print(
    rows!,
    options.json,
    [
      ['Received', 'received_at'],
      ['Reason', 'reason'],
      ['Field', 'field'],
      ['Event', 'event_type'],
      ['Detail', 'detail'],
      ['Id', 'event_id'],
      ['Place', 'place'],
    ],
    new Set(),
  )
}
