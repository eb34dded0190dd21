/**
 * A real PrestoDB over Hive's metastore, a recorded run: `node_modules/.bin/node test/recorded/presto.ts` writes `docs/recorded/presto.md`.
 *
 * Presto's server is 2 GB, so this is a command of its own and no test. The seeds' game is landed through a metastore 3.1.3, with its files on
 * local disk and then in HDFS, and asked by Presto's own command line, as the original pipeline was.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownPlaces, type Places } from '../../src/pipeline/places.ts'
import { openCatalogAt, openStorageAt } from '../../src/pipeline/rooms.ts'
import { hdfs } from '../../src/stack/engines/hdfs.ts'
import { hive3 } from '../../src/stack/engines/hive.ts'
import { presto } from '../../src/stack/engines/presto.ts'
import { provideJava } from '../../src/stack/java.ts'
import { findArtifact } from '../engines/artifacts.ts'
import { type Others, type PrivateEngine, startPrivateEngine } from '../engines/shared-engine.ts'
import { projectRoot, temporaryFolder } from '../support/landfall.ts'
import { GAME_ROUNDS } from '../support/seed-game.ts'
import { landGame, QUESTIONS, TABLES, texts } from '../wire/support/game-door.ts'

const PAGE = join(projectRoot, 'docs/recorded/presto.md')
/** Of presto-suite.ts: stays. */
const [, suite] = readFileSync(PAGE, 'utf8').split(/\n(?=## The suite of SQL engines)/)
const lines = [
  '# PrestoDB over Hive’s metastore',
  '',
  'A recorded run of PrestoDB 0.287 (its Iceberg connector) over a Hive metastore 3.1.3, written by `test/recorded/presto.ts`. The seeds’ game,',
  `${GAME_ROUNDS} rounds of its load, was landed by Landfall through the metastore (\`--catalog thrift://…\`); everything below was asked by Presto’s`,
  'own command line. Presto knows milliseconds only, and the newest event of a guild is asked for: so events are a millisecond apart here.',
  'Presto refuses a table with `timestamptz`, so it reads those of `default_presto` (`?presto=true`, [how](../reference/hive-metastore.md)). Answers are compared with those of the seeds when the page is made.',
  '',
]

await using files = await needed(hdfs)
await using metastore = await needed(hive3, { hdfs: files.state })
await using server = await needed(presto, { hdfs: files.state, hive3: metastore.state })
const cli = await findArtifact('presto-cli')
if (typeof cli !== 'string') throw new Error(cli.missing)
const java = provideJava('Presto’s command line', { min: 11, max: 17 })

await record('Files on local disk', 'file:', {}, true)
await record('Files in HDFS', 'hdfs:', { storage: `${files.state.url}/lake?http=${files.state.http}` }, false)
async function needed<State extends object>(
  engine: Parameters<typeof startPrivateEngine<State>>[0],
  others: Others = {},
): Promise<PrivateEngine<State>> {
  const started = await startPrivateEngine(engine, others)
  if ('missing' in started) throw new Error(started.missing)
  return started
}

async function record(title: string, scheme: string, over: Partial<Places>, inFull: boolean): Promise<void> {
  const data = temporaryFolder()
  try {
    const places = { ...ownPlaces(data), catalog: `${metastore.state.url}?presto=true`, ...over }
    await landGame(data, GAME_ROUNDS, places, 1000)
    lines.push(`## ${title}`, '')
    say('SHOW TABLES')
    const shown = ask('SHOW TABLES', 'TSV').split('\n')
    for (const table of TABLES) assert(shown.includes(table), table)
    say('DESCRIBE purchases')
    const [path] = ask('SELECT "$path" FROM purchases LIMIT 1', 'TSV').split('\n')
    assert(path!.startsWith(scheme))
    lines.push(`Files are read from \`${scheme}\`.`, '')
    for (const { name, sql, answer } of QUESTIONS) {
      const rows = ask(sql, 'TSV')
        .split('\n')
        .map((line) => line.split('\t'))
      assert.deepEqual(texts(rows), answer, name)
      if (!inFull) continue
      lines.push(`${name}:`, '')
      say(sql)
    }
    if (!inFull) lines.push(`The ${QUESTIONS.length} questions have the same answers as above.`, '')
    say('SELECT "timestamp", host, type, cost FROM purchases ORDER BY "timestamp" LIMIT 3')
    writeFileSync(PAGE, `${lines.join('\n').trimEnd()}\n${suite === undefined ? '' : `\n${suite}`}`)
    const storage = await openStorageAt(places)
    const catalog = await openCatalogAt(places, storage)
    for (const table of await catalog.listTables()) await catalog.dropTable(table)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

function say(sql: string): void {
  lines.push('```sql', sql.trim(), '```', '', '```', ask(sql, 'ALIGNED').trimEnd(), '```', '')
}

function ask(sql: string, format: string): string {
  const where = ['--server', server.state.url, '--catalog', 'hive', '--schema', 'default_presto']
  const how = ['--execute', sql.trim().replace(/;$/, ''), '--output-format', format]
  return execFileSync(java, ['-jar', cli as string, ...where, ...how], { encoding: 'utf8' }).trimEnd()
}
