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

  const why = program
    .command('why')
    .summary('the path of one event, by its id or receipt')
    .description(
      'Says of one event when it was received, where it is durable, and in which tables, files and snapshots it landed; or why not: a dead letter with its reason, a duplicate and of what, pending behind how much, or never seen. Exit code 1 when it was never seen.',
    )
    .argument('<EVENT_ID|RECEIPT>', 'an event id, or what the header Landfall-Receipt said')
    .option('--json', 'one object', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall why 0199f3f2-7d0c-7a54-9f3b-2b1f0c6f5a11\n  $ landfall why 0b0f6a3e-5d3c-4a51-8a3f-9f6f1f0f2c11/0/4711',
    )
    .action(async (asked: string, options: Record<string, unknown>) => {
      const { showWhy } = await import('../look/why.ts')
      await showWhy(await lookPlaces(options), asked, options as never)
    })
  withSettings(why, 'data', 'log.url', 'storage.url', 'catalog.')
}
