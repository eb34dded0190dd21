/** `node --import test/planted/register.ts`: loads the product with the bug that `LANDFALL_PLANTED` names. */
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PLANTED, plant, ROOT } from './bug.ts'
import { bugNamed } from './bugs/bugs.ts'

const name = process.env[PLANTED]
if (name !== undefined) {
  const bug = bugNamed(name)
  const planted = pathToFileURL(join(ROOT, bug.file)).href
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      return url === planted ? { ...loaded, source: plant(bug, String(loaded.source)) } : loaded
    },
  })
}
