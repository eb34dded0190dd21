import type { PrimitiveType } from '../lake/metadata.ts'

/** Trino's type for a column of a table. */
export function trinoTypeOf(type: PrimitiveType): string {
  switch (type) {
    case 'int':
      return 'integer'
    case 'long':
      return 'bigint'
    case 'timestamptz':
      return 'timestamp(6) with time zone'
    case 'string':
      return 'varchar'
    case 'binary':
      return 'varbinary'
    default:
      return type
  }
}
