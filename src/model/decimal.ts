import { type TUnsafe, Type } from 'typebox'

/** How a decimal's precision and scale stand in a JSON Schema: in `$comment`, which every validator leaves alone. */
const COMMENT = /^decimal\((\d+), (\d+)\)$/

/**
 * An exact decimal, for money: a JSON **string** such as `"12.50"` with at most `scale` digits after the point and
 * `precision - scale` before it. Its column is `decimal(precision, scale)`.
 */
export function Decimal(precision: number, scale: number): TUnsafe<string> {
  const whole = precision - scale
  if (
    !Number.isInteger(precision) ||
    !Number.isInteger(scale) ||
    scale < 0 ||
    whole < 0 ||
    precision < 1 ||
    precision > 38
  ) {
    throw new RangeError(
      `Decimal(${precision}, ${scale}): expected 1 <= precision <= 38 and 0 <= scale <= precision`,
    )
  }
  const head = whole > 0 ? `0*[0-9]{1,${whole}}` : '0+'
  const tail = scale > 0 ? `(\\.[0-9]{1,${scale}})?` : ''
  const schema = {
    type: 'string',
    pattern: `^-?${head}${tail}$`,
    $comment: `decimal(${precision}, ${scale})`,
  }
  return Type.Unsafe<string>(schema)
}

/** The column type of a schema made by `Decimal`, or undefined. */
export function decimalTypeOf(schema: { $comment?: unknown }): `decimal(${number}, ${number})` | undefined {
  const match = typeof schema.$comment === 'string' ? COMMENT.exec(schema.$comment) : null
  return match ? `decimal(${Number(match[1])}, ${Number(match[2])})` : undefined
}
