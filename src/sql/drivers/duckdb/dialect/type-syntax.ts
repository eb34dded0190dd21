/** Types as a statement writes them: `decimal(10, 2)`, `timestamp(3) with time zone`, `array(row(a bigint))`. */
import { parseTrinoType, type TrinoType } from '../../../trino-types.ts'
import { Refusal } from './context.ts'
import { array, DAY_TO_SECOND, DOUBLE, map, row, type SqlType, simple, YEAR_TO_MONTH } from './sql-type.ts'
import { hasWord, identifierName, part, partsOf, type SyntaxNode, wordsOf } from './syntax-tree.ts'

const NAMES: Record<string, SqlType> = {
  boolean: simple('boolean'),
  tinyint: simple('tinyint'),
  smallint: simple('smallint'),
  integer: simple('integer'),
  int: simple('integer'),
  bigint: simple('bigint'),
  real: simple('real'),
  double: DOUBLE,
  varbinary: simple('varbinary'),
  date: simple('date'),
  json: simple('json'),
  uuid: simple('uuid'),
  unknown: simple('unknown'),
}

const DECIMAL_DIGITS_MAX = 38
const FRACTION_MAX = 12

export function readType(node: SyntaxNode): SqlType {
  switch (node.rule) {
    case 'rowType': {
      const fields = partsOf(node, 'rowField')
      const names = fields.map((field) =>
        field.parts.length > 1 ? identifierName(field.parts[0]!).toLowerCase() : '',
      )
      return row(
        names,
        fields.map((field) => readType(field.parts.at(-1)!)),
      )
    }
    case 'intervalType':
      return /^interval\s+(year|month)/i.test(wordsOf(node)) ? YEAR_TO_MONTH : DAY_TO_SECOND
    case 'dateTimeType':
    case 'timeType': {
      const digits = Number(wordsOf(part(node, 'typeParameter') ?? { ...node, parts: [] }) || 3)
      if (digits > FRACTION_MAX) {
        throw new Refusal(
          'sql/type-mismatch',
          `TIMESTAMP precision must be in range [0, 12]: ${digits}`,
          node.start,
        )
      }
      const base = wordsOf(node.parts[0]!).toLowerCase()
      return simple(hasWord(node, 'WITH') ? `${base} with time zone` : base, digits)
    }
    case 'doublePrecisionType':
      return DOUBLE
    case 'legacyArrayType':
      return array(readType(node.parts[2]!))
    case 'legacyMapType':
      return map(readType(node.parts[2]!), readType(node.parts[4]!))
    case 'arrayType':
      return array(readType(node.parts[0]!))
    case 'genericType':
      return readGeneric(node)
    default:
      return readType(node.parts[0]!)
  }
}

function readGeneric(node: SyntaxNode): SqlType {
  const name = identifierName(node.parts[0]!).toLowerCase()
  const parameters = partsOf(node, 'typeParameter')
  const numbers = parameters.map((each) => Number(wordsOf(each)))
  if (name === 'array' && parameters.length === 1) return array(readType(parameters[0]!))
  if (name === 'map' && parameters.length === 2)
    return map(readType(parameters[0]!), readType(parameters[1]!))
  if ((name === 'varchar' || name === 'char') && parameters.length <= 1) {
    return simple(name, ...(name === 'char' && numbers.length === 0 ? [1] : numbers))
  }
  if (name === 'decimal' || name === 'dec' || name === 'numeric') {
    const [precision = DECIMAL_DIGITS_MAX, scale = 0] = numbers
    if (precision < 1 || precision > DECIMAL_DIGITS_MAX || scale > precision) {
      throw new Refusal(
        'sql/type-mismatch',
        `Invalid DECIMAL precision ${precision} or scale ${scale}`,
        node.start,
      )
    }
    return simple('decimal', precision, scale)
  }
  const known = parameters.length === 0 ? NAMES[name] : undefined
  if (known) return known
  throw new Refusal('sql/type-mismatch', `Unknown type: ${wordsOf(node).replaceAll(' ', '')}`, node.start)
}

/** The type of a column, by Trino's name for it. */
export function typeOfName(name: string): SqlType | undefined {
  return fromTrino(parseTrinoType(name))
}

function fromTrino(type: TrinoType): SqlType | undefined {
  const base = type.raw.replace(/\s+/g, ' ')
  const numbers = type.arguments.filter((argument) => typeof argument === 'number')
  const nested = type.arguments.filter((argument) => typeof argument !== 'number')
  const inner = nested.map((argument) => fromTrino('raw' in argument ? argument : argument.type))
  if (inner.some((each) => each === undefined)) return undefined
  const names = base === 'row' ? nested.map((argument) => ('name' in argument ? argument.name : '')) : []
  return { base, numbers, inner: inner as SqlType[], names }
}
