/**
 * What Spark has read for a micro-batch is held against the log before anything of it is taken. Rows of a table do not tell where they come
 * from, so nothing else would show that a query began elsewhere than it was told, or read something twice.
 */
import { LandfallError } from '../../../../base/errors.ts'
import { countEach } from '../batch/judged.ts'
import type { Ranges } from '../batch/range.ts'
import type { SparkConnect } from '../connect/client.ts'
import type { Epoch } from './table-streams.ts'

/** A micro-batch of a table, with the offsets between the end of what is there before it and its own end. */
export interface StagedRange {
  table: string
  epoch: Epoch
  ranges: Ranges
}

/**
 * Throws `lander/stream-astray` (kind `retry`) unless Spark has read just the records of each range. After `lookAhead`, whose ranges
 * these lie in.
 */
export async function checkRead(spark: SparkConnect, staged: readonly StagedRange[]): Promise<void> {
  const counts = await countEach(
    spark,
    staged.map(({ ranges }) => ranges),
  )
  for (const [i, { table, epoch }] of staged.entries()) {
    const expected = counts[i]!
    // Of offsets beyond the end it is not known how many have a record.
    if (epoch.read >= expected && epoch.read <= expected + epoch.beyond) continue
    throw new LandfallError(
      'retry',
      'lander/stream-astray',
      `the stream of ${table} read ${epoch.read} records for a micro-batch whose offsets have ${expected}`,
      {
        hint: 'Nothing of it was landed; it is begun again where the table stands',
        details: { table, expected, found: epoch.read },
      },
    )
  }
}
