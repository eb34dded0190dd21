/** How JDBC describes Trino's types (java.sql.Types and the columns of DatabaseMetaData.getColumns). */

interface JdbcType {
  code: number
  /** Digits, characters or bytes at most; null where that says nothing. */
  size: number | null
  digits?: number | null
  radix?: number | null
  octets?: number | null
}

const UNBOUNDED = 2_147_483_647
const JAVA_OBJECT = 2000
/** Characters of the longest name of a zone. */
const ZONE_MAX = 32

const SIMPLE: Readonly<Record<string, JdbcType>> = {
  boolean: { code: 16, size: null },
  bigint: { code: -5, size: 19, radix: 10 },
  integer: { code: 4, size: 10, radix: 10 },
  smallint: { code: 5, size: 5, radix: 10 },
  tinyint: { code: -6, size: 3, radix: 10 },
  real: { code: 7, size: 24, radix: 2 },
  double: { code: 8, size: 53, radix: 2 },
  varchar: { code: 12, size: UNBOUNDED, octets: UNBOUNDED },
  varbinary: { code: -3, size: UNBOUNDED, octets: UNBOUNDED },
  date: { code: 91, size: 14 },
}

/** Of a type by Trino's name: `decimal(18, 2)`. */
export function jdbcType(type: string): JdbcType {
  const simple = SIMPLE[type]
  if (simple) return simple
  const [, base = '', first = '', second = '0', zone = ''] =
    /^(\w+)\s*(?:\((\d+)(?:,\s*(\d+))?\))?( with time zone)?$/.exec(type) ?? []
  const precision = Number(first || 3)
  const fraction = precision === 0 ? 0 : precision + 1
  switch (`${base}${zone}`) {
    case 'decimal':
      return { code: 3, size: Number(first), digits: Number(second), radix: 10 }
    case 'varchar':
      return { code: 12, size: Number(first), octets: Number(first) }
    case 'char':
      return { code: 1, size: Number(first || 1), octets: Number(first || 1) }
    case 'time':
      return { code: 92, size: 8 + fraction, digits: precision }
    case 'time with time zone':
      return { code: 2013, size: 14 + fraction, digits: precision }
    case 'timestamp':
      return { code: 93, size: 21 + fraction, digits: precision }
    case 'timestamp with time zone':
      return { code: 2014, size: 23 + fraction + ZONE_MAX, digits: precision }
    default:
      return { code: type.startsWith('array') ? 2003 : JAVA_OBJECT, size: null }
  }
}

/** The types that `system.jdbc.types` lists, and whether their values can be compared. */
export const LISTED_TYPES: readonly (readonly [name: string, comparable: boolean])[] = [
  ['boolean', true],
  ['bigint', true],
  ['integer', true],
  ['smallint', true],
  ['tinyint', true],
  ['real', true],
  ['double', true],
  ['varchar', true],
  ['varbinary', true],
  ['date', true],
  ['uuid', true],
  ['json', true],
  ['unknown', true],
  ['interval day to second', true],
  ['interval year to month', true],
]

/** Types that take parameters: only their name says anything before they have them. */
export const PARAMETRIC_TYPES = [
  'array',
  'char',
  'decimal',
  'map',
  'row',
  'time',
  'time with time zone',
  'timestamp',
  'timestamp with time zone',
  'varchar',
] as const
