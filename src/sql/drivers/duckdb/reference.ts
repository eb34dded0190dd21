/** A file of the pipeline as a relation. */
import { stat } from 'node:fs/promises'
import { LandfallError, systemCode } from '../../../base/errors.ts'
import type { ReferenceDefinition } from '../../../model/pipeline.ts'
import { quoteIdentifier, quoteText } from '../../text.ts'
import { escapeGlob } from './relation.ts'
import { duckdbTypeText } from './type-text.ts'

/**
 * `SELECT` over the file as it is now. The text changes when the file does, so that nothing that was known of its columns is used
 * for others. Throws `sql/unavailable` when the file is not there.
 */
export async function referenceSql({ name, file, format, columns }: ReferenceDefinition): Promise<string> {
  const found = await stat(file).catch((error: unknown) => {
    throw new LandfallError(
      'retry',
      'sql/unavailable',
      `the file of reference table '${name}' cannot be read: ${systemCode(error) ?? 'unknown error'}`,
      {
        hint: 'Put it back where the pipeline file says it is',
        cause: error,
      },
    )
  })
  const version = `/* ${found.mtimeMs} ${found.size} */`
  const select =
    columns === null
      ? '*'
      : Object.entries(columns)
          .map(
            ([column, type]) =>
              `CAST(${quoteIdentifier(column)} AS ${duckdbTypeText(type)}) AS ${quoteIdentifier(column)}`,
          )
          .join(', ')
  return `SELECT ${select} FROM ${reader(file, format, columns)} ${version}`
}

function reader(
  file: string,
  format: ReferenceDefinition['format'],
  columns: ReferenceDefinition['columns'],
): string {
  const path = quoteText(escapeGlob(file))
  if (format === 'parquet') return `read_parquet(${path}, hive_partitioning = false)`
  // Declared types are for the values as they are written: 007 stays what it is as varchar.
  const types = columns === null ? '' : ', all_varchar = true'
  return `read_csv(${path}, header = true, hive_partitioning = false${types})`
}
