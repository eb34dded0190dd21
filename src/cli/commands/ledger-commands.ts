import type { Command } from 'commander'
import { lookPlaces } from '../places.ts'
import { withSettings } from './setting-options.ts'

/** Commands that account for events: all of them, or one. */
export function addLedgerCommands(program: Command): void {
  const ledger = program
    .command('ledger')
    .summary('accepted = landed + dead letters + duplicates + pending')
    .description(
      'Says what became of every event that was accepted: per partition, per table and, with --commits, per commit; and what the door of this data directory refused. It is computed from log and tables, whatever runs. Exit code 1 when it does not close.',
    )
    .option('--commits', 'each commit whose snapshot is still kept', false)
    .option('--recount', 'read the log again and count its records, too', false)
    .option('--json', 'one object', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall ledger\n  $ landfall ledger --commits --log kafka://broker:9092/events --storage s3://lake/game',
    )
    .action(async (options: Record<string, unknown>) => {
      const { showLedger } = await import('../look/ledger.ts')
      await showLedger(await lookPlaces(options), options as never)
    })
  withSettings(ledger, 'data', 'log.url', 'storage.url', 'catalog.')
}
