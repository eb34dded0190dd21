import type { Value } from '../../../../sql.ts'
import { FUNCTION_NAMES, isAggregate } from './functions.ts'

/** Functions whose value is another one each time. */
const CHANGING = new Set(['rand', 'random', 'shuffle', 'uuid'])

/** The rows of SHOW FUNCTIONS. Types depend on the arguments, and are left empty. */
export function listFunctions(): Value[][] {
  return FUNCTION_NAMES.map((name) => {
    const kind = isAggregate(name) ? 'aggregate' : 'scalar'
    return [name, '', '', kind, !CHANGING.has(name), '']
  })
}
