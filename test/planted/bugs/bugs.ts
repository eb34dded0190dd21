import type { Bug } from '../bug.ts'
import { DOOR_BUGS } from './door.ts'
import { LAKE_BUGS } from './lake.ts'
import { LANDER_BUGS } from './lander.ts'
import { LOG_BUGS } from './log.ts'

export const BUGS: Bug[] = [...LOG_BUGS, ...LANDER_BUGS, ...LAKE_BUGS, ...DOOR_BUGS]

export function bugNamed(name: string): Bug {
  const found = BUGS.find((bug) => bug.name === name)
  if (found === undefined) throw new Error(`no planted bug is called ${name}`)
  return found
}
