/** Functions of dates and times whose argument needs no zone; the others are in `time-calls.ts`. */
import { readTable } from './table.ts'

export const TIME_FUNCTIONS = readTable(String.raw`
to_unixtime(1) = CAST(epoch_us($1) AS DOUBLE) / 1000000 : double
from_iso8601_date(1) = CAST($1 AS DATE) : date
from_iso8601_timestamp(1) = date_trunc('millisecond', CAST($1 AS TIMESTAMPTZ)) : timestamp(3) with time zone
to_milliseconds(1) = CAST(epoch_ms($1) AS BIGINT) : bigint
`)
