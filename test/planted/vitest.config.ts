/** For runs with a planted bug. Vitest reads the product's files itself, so the bug is put in here; processes that a test starts get it by `register.ts`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vitest/config'
import { PLANTED, plant, ROOT } from './bug.ts'
import { bugNamed } from './bugs/bugs.ts'

function planting(name: string): Plugin {
  const bug = bugNamed(name)
  const path = join(ROOT, bug.file)
  return {
    name: 'landfall-planted',
    enforce: 'pre',
    load: (id) => (id.split('?')[0] === path ? plant(bug, readFileSync(path, 'utf8')) : null),
  }
}

const name = process.env[PLANTED]

export default defineConfig({
  root: ROOT,
  plugins: name === undefined ? [] : [planting(name)],
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    // Of a file that another bug's run has read, its cache has the text without this one.
    fsModuleCache: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
})
