import type { Command } from 'commander'
import type { SqlEngine } from '../../sql/sql.ts'
import { usageError } from '../exit.ts'
import { lookPlaces } from '../places.ts'
import { settingFlags, withSettings } from './setting-options.ts'

/** Of a server of others, when one is named, else of the catalog. */
async function ofServer(
  options: Record<string, unknown>,
  show: (engine: SqlEngine) => Promise<void>,
): Promise<boolean> {
  const { openServer } = await import('../look/sql-server.ts')
  await using engine = await openServer(settingFlags(options))
  if (engine === undefined) {
    if (options['sql'] === undefined) return false
    throw usageError(
      '--sql: expected trino://… or presto://…; name tables of Landfall by --data or --catalog',
    )
  }
  await show(engine)
  return true
}

/** Commands that look at tables. */
export function addTableCommands(program: Command): void {
  const json = '--json'
  const server = [
    '--sql <URL>',
    'a server of others: trino://USER@HOST:8080/CATALOG/SCHEMA or presto://… (LANDFALL_SQL)',
  ] as const
  const tables = program
    .command('tables')
    .summary('list tables with rows, files and position')
    .description(
      'Lists the tables of the lake with rows, files, bytes and how far in the log they stand. Rows that are judged but not committed yet are not counted; SQL sees them. ' +
        'With --sql trino://… or presto://… those of a server of theirs.',
    )
    .option(json, 'one array of objects', false)
    .option(...server)
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall tables --data ./data\n  $ landfall tables --sql trino://me@trino.example:8080/lake/default',
    )
    .action(async (options: { json: boolean }) => {
      const { showServerTables } = await import('../look/server-tables.ts')
      if (await ofServer({ ...options }, (engine) => showServerTables(engine, options))) return
      const { showTables } = await import('../look/tables.ts')
      await showTables(await lookPlaces({ ...options }), options)
    })
  withSettings(tables, 'data', 'storage.url', 'catalog.')

  const describe = program
    .command('describe')
    .summary('show the columns of a table')
    .description(
      'Shows the columns of a table with Iceberg types and field ids, its partitioning and where its files are. ' +
        'With --sql trino://… or presto://… the columns as that server has them.',
    )
    .argument('<TABLE>')
    .option(json, 'one object', false)
    .option(...server)
    .addHelpText('after', '\nExample:\n  $ landfall describe purchases')
    .action(async (table: string, options: { json: boolean }) => {
      const { showServerTable } = await import('../look/server-tables.ts')
      if (await ofServer({ ...options }, (engine) => showServerTable(engine, table, options))) return
      const { showTable } = await import('../look/describe.ts')
      await showTable(await lookPlaces({ ...options }), table, options)
    })
  withSettings(describe, 'data', 'storage.url', 'catalog.')

  const files = program
    .command('files')
    .summary('list live data files, as "hadoop fs -ls -h" did')
    .description('Lists the live data files of one table, or of all.')
    .argument('[TABLE]')
    .option(json, 'one array of objects', false)
    .addHelpText('after', '\nExamples:\n  $ landfall files\n  $ landfall files purchases')
    .action(async (table: string | undefined, options: { json: boolean }) => {
      const { showFiles } = await import('../look/files.ts')
      await showFiles(await lookPlaces({ ...options }), table, options)
    })
  withSettings(files, 'data', 'storage.url', 'catalog.')
}
