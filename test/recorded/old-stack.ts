/**
 * The old stack, part by part, driven from TypeScript: a recorded run. `node_modules/.bin/node test/recorded/old-stack.ts` writes
 * `docs/recorded/old-stack.md`.
 *
 * Kafka, Spark, HDFS and a Hive metastore 3.1.3 behind `landfall up`, the seeds' game by `landfall simulate`, and its questions by our own
 * `presto://` and `trino://` to a real PrestoDB and a real Trino. Presto's server is 2 GB, so this is a command of its own and no test.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import game from '../../examples/game/pipeline.ts'
import { isLandfallError } from '../../src/base/errors.ts'
import { openTrinoEngine } from '../../src/sql/drivers/trino.ts'
import { presto } from '../../src/stack/engines/presto.ts'
import { landfall } from '../cli/run-cli.ts'
import { kafkaHdfsHive } from '../combinations/parts.ts'
import { askGame, expectCounts, GAME, playGame } from '../combinations/play.ts'
import { shareEngine } from '../engines/shared-engine.ts'
import { projectRoot, startLandfall, temporaryFolder } from '../support/landfall.ts'
import { GAME_ANSWERS, GAME_ROUNDS } from '../support/seed-game.ts'

const parts = needed(await kafkaHdfsHive('spark', { presto: true }))
const server = needed(await shareEngine(presto, { hive3: parts.metastore! }))
const data = temporaryFolder()
const flags = Object.entries(parts.urls).flat()
const begun = performance.now()
const up = await startLandfall(GAME, { data, args: flags, env: parts.env, readyMs: 240_000 })
await playGame(up.http)
assert.equal(await up.stop(), 0, up.output())
const landed = await landfall(['land', GAME, '--once', '--data', data, ...flags], { env: parts.env })
assert.equal(landed.code, 0, landed.stderr)
const seconds = ((performance.now() - begun) / 1000).toFixed(0)
await parts.trino.attach('lake', parts.catalog)

const hosts = {
  'PrestoDB 0.287': `${server.url.replace('http://', 'presto://recorded@')}/hive/${parts.namespace}_presto`,
  'Trino 476': `${parts.trino.url.replace('http://', 'trino://recorded@')}/lake/${parts.namespace}`,
}
const shown = (url: string) =>
  url.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST:PORT').replaceAll(parts.namespace, 'game')
const lines = [
  '# The old stack',
  '',
  `A recorded run, written by \`test/recorded/old-stack.ts\`: Kafka 4.3.1, Spark 4.1.3, HDFS 3.5.0 and a Hive metastore 3.1.3, started from packages.`,
  `${GAME_ROUNDS} rounds of the seeds' game through`,
  '',
  '```',
  `landfall up ${GAME} ${shown(flags.join(' '))}`,
  '```',
  '',
  `From the start to the last commit ${seconds} s on a busy machine of two cores. Every answer is compared with that of the seeds when the page is made.`,
  '',
]
for (const [name, url] of Object.entries(hosts)) {
  await expectCounts(url)
  await using engine = openTrinoEngine(url)
  const answers = await askGame(engine)
  assert.deepEqual(answers, GAME_ANSWERS)
  lines.push(`## ${name}`, '', `\`landfall sql --sql ${shown(url)}\``, '')
  for (const { name: question, sql } of game.compiled.questions) {
    const rows = answers[question]
    if (rows === undefined) continue
    lines.push('```sql', sql.trim(), '```', '', '```', ...rows.map((row) => row.join(' | ')), '```', '')
  }
  lines.push(...(await peculiarities(url)))
}
writeFileSync(join(projectRoot, 'docs/recorded/old-stack.md'), `${lines.join('\n').trimEnd()}\n`)
await parts.trino.detach('lake')
rmSync(data, { recursive: true, force: true })

/** What the driver makes of types, errors, and of how fresh an answer is. */
async function peculiarities(url: string): Promise<string[]> {
  await using engine = openTrinoEngine(url, { named: new Map([['sales', 'view']]) })
  const columns = (await engine.describe('purchases')).map(({ name, type }) => `${name} ${type}`)
  const { freshness, pages } = await engine.query('SELECT count(*) FROM events')
  for await (const page of pages) assert.deepEqual(page, [[1144]])
  const said: string[] = []
  for (const sql of [
    'SELECT bad FROM purchases',
    'SELECT * FROM sales',
    'SELECT 1 FORM x',
    'DROP TABLE purchases',
  ])
    said.push(`${sql}: ${await codeOf(engine.query(sql))}`)
  return [
    '```',
    `purchases: ${columns.join(', ')}`,
    `freshness: ${JSON.stringify(freshness.position)}`,
    ...said,
    '```',
    '',
  ]
}

async function codeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked
  } catch (error) {
    if (isLandfallError(error)) return [error.code, error.hint].filter(Boolean).join('; ')
    throw error
  }
  throw new Error('expected an error')
}

function needed<T extends object>(found: T | { missing: string }): T {
  if ('missing' in found) throw new Error(found.missing)
  return found
}
