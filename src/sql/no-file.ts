import { LandfallError } from '../base/errors.ts'

/** For what has no rows that could be a Parquet file, or an engine that makes none. */
export function noFile(): LandfallError {
  return new LandfallError(
    'fix-request',
    'sql/not-supported',
    'this answer cannot be had as a Parquet file',
    {
      hint: 'Ask for rows',
    },
  )
}
