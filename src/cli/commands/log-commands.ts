import type { Command } from 'commander'
import { lookPlaces } from '../places.ts'
import { withSettings } from './setting-options.ts'

/** Commands that look at the log. */
export function addLogCommands(program: Command): void {
  const watch = program
    .command('watch')
    .summary('print events as they are in the log, as kafkacat did')
    .description(
      'Prints the events of the log, one per line, from the beginning unless told otherwise, and follows.',
    )
    .option('-o, --from <WHERE>', 'beginning, end, or an offset', 'beginning')
    .option('-e, --exit', 'stop at the end instead of following', false)
    .option('-c, --count <N>', 'stop after so many events')
    .option('-p, --partition <N>', 'only this partition')
    .option(
      '-f, --format <TEXT>',
      'how to print one: %s value, %k key, %o offset, %p partition, %t topic, %T time in ms, %h headers, \\n newline',
    )
    .option('--json', 'one JSON object per line with offset, time, key, headers and value', false)
    .addHelpText(
      'after',
      "\nExamples:\n  $ landfall watch\n  $ landfall watch --from end\n  $ landfall watch -o beginning -e -f '%o %T %s\\n' | head -5",
    )
    .action(async (options: Record<string, unknown>) => {
      const { watchLog } = await import('../look/watch.ts')
      await watchLog(await lookPlaces(options), options as never)
    })
  withSettings(watch, 'data', 'log.url')

  const topics = program
    .command('topics')
    .summary('list, describe or create the topic')
    .description(
      'The log of a pipeline is one topic: "events" in the data directory, or the topic of --log. Lists it, describes its partitions, or creates it ahead of time.',
    )
    .option('--describe', 'partitions with earliest and latest offset, bytes and segments', false)
    .option('--create', 'make the log when it is not there', false)
    .option('--if-not-exists', 'with --create: an existing one is fine', false)
    .option('--json', 'one array of objects', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall topics --create --if-not-exists\n  $ landfall topics --describe',
    )
    .action(async (options: Record<string, unknown>) => {
      const { showTopics } = await import('../look/topics.ts')
      await showTopics(await lookPlaces(options), options as never)
    })
  withSettings(topics, 'data', 'log.url')
}
