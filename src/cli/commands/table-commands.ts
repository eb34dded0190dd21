import type { Command } from 'commander'
import { lookPlaces } from '../places.ts'
import { withSettings } from './setting-options.ts'

/** Commands that look at tables. */
export function addTableCommands(program: Command): void {
  const json = '--json'
  const tables = program
    .command('tables')
    .summary('list tables with rows, files and position')
    .description(
      'Lists the tables of the lake with rows, files, bytes and how far in the log they stand. Rows that are judged but not committed yet are not counted; SQL sees them.',
    )
    .option(json, 'one array of objects', false)
    .addHelpText('after', '\nExample:\n  $ landfall tables --data ./data')
    .action(async (options: { json: boolean }) => {
      const { showTables } = await import('../look/tables.ts')
      await showTables(await lookPlaces({ ...options }), options)
    })
  withSettings(tables, 'data', 'storage.url', 'catalog.')

  const describe = program
    .command('describe')
    .summary('show the columns of a table')
    .description(
      'Shows the columns of a table with Iceberg types and field ids, its partitioning and where its files are.',
    )
    .argument('<TABLE>')
    .option(json, 'one object', false)
    .addHelpText('after', '\nExample:\n  $ landfall describe purchases')
    .action(async (table: string, options: { json: boolean }) => {
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
