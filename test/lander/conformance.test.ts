import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openLog } from '../../src/log/open.ts'
import { landerSuite } from '../conformance/lander-suite.ts'
import { World } from './support.ts'

landerSuite('DuckDB over a log in memory', { open: async (pipeline) => new World(pipeline) })

const logs = mkdtempSync(join(tmpdir(), 'landfall-lander-logs-'))
afterAll(() => rmSync(logs, { recursive: true, force: true }))

landerSuite('DuckDB over the embedded log', {
  async open(pipeline) {
    return new World(pipeline, await openLog(mkdtempSync(join(logs, 'log-'))))
  },
})
