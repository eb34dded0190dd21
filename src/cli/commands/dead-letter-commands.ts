import { resolve } from 'node:path'
import type { Command } from 'commander'
import { authority } from './pipeline-commands.ts'
import { settingFlags, withSettings } from './setting-options.ts'

const filters = (command: Command) =>
  command
    .option('--reason <REASON>', 'only these, e.g. type, missing, unknown_event_type, id_conflict')
    .option('--field <NAME>', 'only where this property is at fault')
    .option('--event-type <NAME>', 'only events of this name')
    .option('--since <TIME>', 'received since then: 2h, 7d, or 2026-01-31T12:00:00Z')

/** Commands around events that did not fit. */
export function addDeadLetterCommands(program: Command): void {
  const letters = program
    .command('deadletters')
    .summary('look at events that did not fit the plan, and heal them')
    .description('Events that did not fit the plan are kept in the table dead_letters.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall deadletters --since 1h\n  $ landfall deadletters reasons\n  $ landfall deadletters show 0/4711\n  $ landfall deadletters replay pipeline.ts --repair repair.ts',
    )

  const list = letters
    .command('list', { isDefault: true })
    .summary('list the newest of them')
    .description('Lists the newest dead letters. Their place (partition/offset) names one to "show".')
  filters(list)
    .option('--limit <N>', 'at most so many', '20')
    .option('--json', 'one array of objects', false)
    .addOption(authority())
    .action(async (options: Record<string, unknown>) => {
      const { listLetters } = await import('../dead-letters/list.ts')
      await listLetters(options as never, settingFlags(options))
    })
  withSettings(list, 'data', 'sql.listen', 'log.url', 'storage.url', 'catalog.')

  const reasons = letters
    .command('reasons')
    .summary('group them by reason, field and event')
    .description(
      'How many there are of each reason, field and event, how many of them are healed, since when, and an example.',
    )
  filters(reasons)
    .option('--limit <N>', 'at most so many groups', '50')
    .option('--json', 'one array of objects', false)
    .addOption(authority())
    .action(async (options: Record<string, unknown>) => {
      const { listReasons } = await import('../dead-letters/reasons.ts')
      await listReasons(options as never, settingFlags(options))
    })
  withSettings(reasons, 'data', 'sql.listen', 'log.url', 'storage.url', 'catalog.')

  const show = letters
    .command('show')
    .summary('show one: the event, where it is wrong, what the plan wants')
    .argument('<ID>', 'an event id, a place (partition/offset), or a receipt (log/partition/offset)')
    .option('--json', 'one array of objects', false)
    .addOption(authority())
    .action(async (which: string, options: Record<string, unknown>) => {
      const { showLetter } = await import('../dead-letters/show.ts')
      await showLetter(which, options as never, settingFlags(options))
    })
  withSettings(show, 'data', 'sql.listen', 'log.url', 'storage.url', 'catalog.')

  const replay = letters
    .command('replay')
    .summary('heal them: by the present plan, or by a repair function')
    .description(
      'Judges every dead letter again by the plan of the pipeline file, as it stands or as --repair makes it, and tells how many would heal and what remains. ' +
        'With --apply those that fit come into the log as new events; the letters stay. Doing it again changes nothing. ' +
        'Letters of reason id_conflict are looked at only with --reason id_conflict.',
    )
    .argument('<PIPELINE>', 'the pipeline file')
    .option('--repair <FILE>', 'a file with export default defineRepair((event, letter) => …)')
    .option('--apply', 'heal; else only look', false)
  filters(replay)
    .option('--limit <N>', 'at most so many letters, the oldest first')
    .option('--examples <N>', 'show so many events before and after', '3')
    .option('--json', 'one object', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall deadletters replay pipeline.ts\n  $ landfall deadletters replay pipeline.ts --repair repair.ts --field cost\n  $ landfall deadletters replay pipeline.ts --repair repair.ts --apply',
    )
    .action(async (pipeline: string, options: Record<string, unknown>) => {
      const { replayCommand } = await import('../dead-letters/replay.ts')
      await replayCommand(resolve(pipeline), options as never, settingFlags(options))
    })
  withSettings(replay, 'data', 'log.url', 'storage.', 'catalog.')
}
