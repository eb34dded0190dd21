import type { Command } from 'commander'
import type { StackOptions } from '../stack/stack.ts'

const ENGINES_HELP = `
Combinations:
  classic     kafka hdfs hive spark trino          (what a data platform was built of for years)
  lakehouse   kafka versitygw iceberg-rest trino   (versitygw is an S3 object store)
--all is every engine but presto (a download of 2 GB) and hive3 (the older metastore that presto needs): name these.

Programs come from Maven, PyPI and Go by their own clients, held to checksums, into ~/.cache/landfall/engines
(LANDFALL_ENGINES). Needed for those that are started: mvn and a Java 17 (kafka, hdfs, hive, iceberg-rest, spark, presto) or
24 and newer (trino), python3 (spark; and versitygw without a Go). No container is used.
`

/** Real engines on this machine, for trying a distributed pipeline. */
export function addStackCommands(program: Command): void {
  const stack = program
    .command('stack')
    .summary('start real engines on this machine: Kafka, Spark, HDFS, S3, Hive, Iceberg REST, Trino')
    .description(
      'Starts, shows and stops the real engines that stand behind the URLs of a pipeline, on this machine, without containers. ' +
        'For trying out and for tests: one node of each, small heaps, listening on 127.0.0.1.',
    )
    .addHelpText('after', ENGINES_HELP)
  const withData = (command: Command) =>
    command
      .option(
        '--data <DIRECTORY>',
        'where engines keep their data (default ~/.local/share/landfall/stack; LANDFALL_STACK)',
      )
      .option('--json', 'one object', false)

  withData(
    stack
      .command('up')
      .summary('start engines and wait until they answer')
      .description(
        'Starts engines, waits until each answers, and prints the command line of a pipeline that uses them. They run on when this command has ended, until "landfall stack down". Engines that are up already are left alone.',
      )
      .argument('[ENGINE...]', 'engines or combinations')
      .option('--all', 'every engine but presto and hive3', false),
  )
    .addHelpText(
      'after',
      `${ENGINES_HELP}\nExamples:\n  $ landfall stack up lakehouse\n  $ landfall stack up kafka --data ./stack --json`,
    )
    .action(async (names: string[], options: StackOptions & { all: boolean }) => {
      const { runStackUp } = await import('../stack/stack.ts')
      await runStackUp(names, options)
    })

  withData(
    stack
      .command('status')
      .summary('show engines, ports, memory and the URLs to use')
      .description(
        'Asks each engine a real question. Exit code 1 when none is there, or one does not answer.',
      ),
  ).action(async (options: StackOptions) => {
    const { runStackStatus } = await import('../stack/stack.ts')
    await runStackStatus(options)
  })

  withData(
    stack
      .command('down')
      .summary('stop engines')
      .description(
        'Stops every process that "landfall stack up" started (SIGTERM, after 15 s SIGKILL), also when that command was killed. Data stays, and so do the ports of the next start.',
      )
      .argument('[ENGINE...]', 'engines or combinations; all when none is named')
      .option('--remove-data', 'also remove their data', false),
  )
    .addHelpText('after', '\nExamples:\n  $ landfall stack down\n  $ landfall stack down kafka --remove-data')
    .action(async (names: string[], options: StackOptions & { removeData: boolean }) => {
      const { runStackDown } = await import('../stack/stack.ts')
      await runStackDown(names, options)
    })
}
