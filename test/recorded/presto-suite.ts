/**
 * The suite of SQL engines over a real PrestoDB, a recorded run: `node_modules/.bin/node test/recorded/presto-suite.ts` writes the last
 * part of `docs/recorded/presto.md`. Exit code 1 when a test fails. Servers that run already are taken from `LANDFALL_PRESTO`
 * (`{"presto":"http://…","metastore":"thrift://…"}`); else both are started.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startVitest } from 'vitest/node'
import type { EngineState } from '../../src/stack/engine.ts'
import { hive3 } from '../../src/stack/engines/hive.ts'
import { presto } from '../../src/stack/engines/presto.ts'
import { startPrivateEngine } from '../engines/shared-engine.ts'
import { projectRoot } from '../support/landfall.ts'

const PAGE = join(projectRoot, 'docs/recorded/presto.md')
const HEADING = '## The suite of SQL engines'

await using engines = new AsyncDisposableStack()
const servers = process.env['LANDFALL_PRESTO'] ?? JSON.stringify(await startServers())
const vitest = await startVitest('test', [], {
  root: projectRoot,
  config: false,
  watch: false,
  include: ['test/recorded/presto-engine.ts'],
  env: { LANDFALL_PRESTO: servers },
  reporters: ['verbose'],
  testTimeout: 300_000,
  hookTimeout: 300_000,
})
const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()])
const passed = tests.filter((test) => test.result().state === 'passed')
await vitest.close()
const lines = [
  HEADING,
  '',
  '`test/conformance/engine-suite.ts`, which also runs over DuckDB, over our own door and over a real Trino, through the driver `presto://`; written by',
  `\`test/recorded/presto-suite.ts\`. ${passed.length} of ${tests.length} passed:`,
  '',
  ...tests.map((test) => `- ${test.result().state === 'passed' ? '' : '**failed** '}${oneLine(test.name)}`),
]
if (tests.length > 0) {
  const [before] = readFileSync(PAGE, 'utf8').split(`\n${HEADING}`)
  writeFileSync(PAGE, `${before!.trimEnd()}\n\n${lines.join('\n')}\n`)
}
process.exitCode = tests.length > 0 && passed.length === tests.length ? 0 : 1

async function startServers(): Promise<{ presto: string; metastore: string }> {
  const metastore = await needed(hive3)
  const server = await needed(presto, { hive3: metastore })
  return { presto: server.url, metastore: metastore.url }
}

async function needed<State extends EngineState>(
  engine: Parameters<typeof startPrivateEngine<State>>[0],
  others: Record<string, EngineState> = {},
): Promise<State> {
  const started = await startPrivateEngine(engine, others)
  if ('missing' in started) throw new Error(started.missing)
  return engines.use(started).state
}

function oneLine(text: string): string {
  return text.replaceAll('\n', '⏎')
}
