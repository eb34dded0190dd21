/** The relation `ledger`: what became of everything that was accepted. Its rows are computed for each question. */

import type { Refusals } from '../../collector/refusals-file.ts'
import { account } from '../../ledger/account.ts'
import { type LedgerRow, ledgerRows } from '../../ledger/entries.ts'
import type { Reading } from '../../ledger/ledger.ts'
import type { Value } from '../sql.ts'
import { columnsOf } from './metadata-table.ts'

export const LEDGER = 'ledger'

export interface LedgerParts {
  topic: string
  /** What the door of this machine refused. */
  refusals: () => Promise<Refusals | undefined>
}

export const LEDGER_COLUMNS = columnsOf(
  'entry, topic, partition integer, table_name, batch bigint, snapshot_id bigint, committed_at timestamp(3) with time zone, from_offset bigint, to_offset bigint, accepted bigint, landed bigint, dead bigint, duplicates bigint, pending bigint, added_rows bigint, refused bigint, detail',
)

export async function ledgerTable({ topic, refusals }: LedgerParts, reading: Reading): Promise<Value[][]> {
  const rows = ledgerRows(topic, account(reading).ledger, await refusals())
  return rows.map((row) => LEDGER_COLUMNS.map(({ name }) => row[name as keyof LedgerRow]))
}
