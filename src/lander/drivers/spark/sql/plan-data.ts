/**
 * Plans as a constant of the statement: JSON text that Spark reads once, when it optimizes. So the size of a statement grows by some
 * bytes per property, and what several plan versions or events share stands there once.
 */
import { parseDecimalType } from '../../../../model/check-event.ts'
import type { ColumnType } from '../../../../model/columns.ts'
import type { Plan, PlanProperty } from '../../../../model/plan.ts'
import { literal } from './text.ts'

/** `t` of a property. */
export const typeCode = {
  string: 0,
  long: 1,
  double: 2,
  boolean: 3,
  array: 4,
  object: 5,
  timestamptz: 6,
  date: 7,
  decimal: 8,
  anything: 9,
} as const

/** Absent members are NULL. */
interface PropertyData {
  /** Marked name. */
  n: string
  t: number
  /** Required. */
  r?: true
  /** Nullable. */
  u?: true
  /** The texts that are allowed. */
  o?: readonly string[]
  /** Least and most code points. */
  a?: number
  z?: number
  /** Bounds of numbers, as JavaScript writes them; inclusive. */
  lo?: string
  hi?: string
  /** Digits of a decimal before and after the point. */
  w?: number
  s?: number
}

const SHAPE = 'n:string,t:int,r:boolean,u:boolean,o:array<string>,a:int,z:int,lo:string,hi:string,w:int,s:int'

/**
 * `lists`: the properties of each event, in the plan's order, array<array<property>>.
 * `places`: map<plan version, map<marked event name, index in lists>>.
 */
export function planData(plans: readonly Plan[]): { lists: string; places: string } {
  const lists: string[] = []
  const known = new Map<string, number>()
  const places = plans.map(({ version, events }) => {
    const entries = Object.values(events).map(({ name, properties }) => {
      const list = JSON.stringify(properties.map(dataOf))
      const place = known.get(list) ?? lists.push(list) - 1
      known.set(list, place)
      return [` ${name}`, `${place}`] as const
    })
    return [version, members(entries)] as const
  })
  return {
    lists: `from_json(${literal(`[${lists.join(',')}]`)}, 'array<array<struct<${SHAPE}>>>')`,
    places: `from_json(${literal(members(places))}, 'map<string,map<string,int>>')`,
  }
}

/** Written by hand: JavaScript's objects would put names that look like numbers first. */
function members(entries: readonly (readonly [string, string])[]): string {
  return `{${entries.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`
}

function dataOf(property: PlanProperty): PropertyData {
  const { required, nullable, oneOf, minLength, maxLength, minimum, maximum } = property
  return {
    n: ` ${property.name}`,
    t: codeOf(property),
    ...(required ? { r: true } : {}),
    ...(nullable ? { u: true } : {}),
    ...(oneOf === undefined ? {} : { o: oneOf }),
    ...(minLength === undefined ? {} : { a: minLength }),
    ...(maxLength === undefined ? {} : { z: maxLength }),
    ...(minimum === undefined ? {} : { lo: `${minimum}` }),
    ...(maximum === undefined ? {} : { hi: `${maximum}` }),
    ...digitsOf(property.type),
  }
}

function codeOf({ type, jsonKind }: PlanProperty): number {
  if (type === 'json') return typeCode[jsonKind ?? 'anything']
  if (type === 'int') return typeCode.long
  return type.startsWith('decimal') ? typeCode.decimal : typeCode[type as keyof typeof typeCode]
}

function digitsOf(type: ColumnType): { w?: number; s?: number } {
  if (!type.startsWith('decimal')) return {}
  const { precision, scale } = parseDecimalType(type)
  return { w: precision - scale, s: scale }
}
