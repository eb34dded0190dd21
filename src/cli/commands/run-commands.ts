import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import { LOG_FORMATS, type LogFormat } from '../reporter.ts'
import {
  machineSettings,
  settingArguments,
  settingFlags,
  withOtherSettings,
  withSettings,
} from './setting-options.ts'

const launcher = fileURLToPath(new URL('../../../bin/landfall.js', import.meta.url))

interface RunOptions extends Record<string, unknown> {
  logFormat: LogFormat
}

const logFormat = () =>
  new Option('--log-format <FORMAT>', 'What is written to stderr').choices(LOG_FORMATS).default('text')

/** Commands that run until they are stopped: the whole pipeline, or one stage of it. */
export function addRunCommands(program: Command): void {
  const up = program
    .command('up')
    .summary('run a pipeline: events in, SQL out')
    .description(
      'Runs a pipeline in three processes (door, lander, query), each restarted alone when it dies. ' +
        'Ctrl-C or SIGTERM stops it after everything that was accepted has landed; a second Ctrl-C hurries.',
    )
    .argument('<PIPELINE>', 'the pipeline file, e.g. pipeline.ts')
    .option('--watch', 'reload when the pipeline file changes', false)
    .addOption(logFormat())
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall up pipeline.ts\n  $ landfall up pipeline.ts --data /var/lib/game --http 127.0.0.1:5001 --watch',
    )
    .action(async (pipeline: string, options: RunOptions & { watch: boolean }) => {
      const { runUp } = await import('../up/up.ts')
      const { data } = machineSettings(options)
      await runUp({
        ...options,
        launcher,
        pipeline: resolve(pipeline),
        data: resolve(data),
        flags: settingArguments(options),
      })
    })
  withSettings(
    up,
    'data',
    'collector.',
    'sql.',
    'tls.',
    'insecure',
    'log.',
    'storage.',
    'catalog.',
    'lander.',
    'lake.',
  )

  const collect = program
    .command('collect')
    .summary('run the door alone: HTTP and the log')
    .description(
      'Runs only the door: it answers requests and makes events durable in the log. Nothing lands until a lander runs.',
    )
    .argument('<PIPELINE>', 'the pipeline file')
    .addOption(logFormat())
    .addHelpText('after', '\nExample:\n  $ landfall collect pipeline.ts --http 127.0.0.1:5000')
    .action(async (pipeline: string, options: RunOptions) => {
      const { runCollect } = await import('../stage/collect.ts')
      await runCollect({ ...options, pipeline: resolve(pipeline), flags: settingFlags(options) })
    })
  withOtherSettings(
    withSettings(collect, 'data', 'collector.', 'tls.', 'insecure', 'log.', 'storage.', 'catalog.'),
  )

  const land = program
    .command('land')
    .summary('run the lander alone, or once to the end')
    .description(
      'Lands what is in the log into the tables: continuously, or with --once up to the end of the log as it is now.',
    )
    .argument('<PIPELINE>', 'the pipeline file')
    .option('--once', 'from where the tables stand to the latest offset, then exit', false)
    .option('--json', 'with --once, what was landed as one object', false)
    .addOption(logFormat())
    .addHelpText('after', '\nExample:\n  $ landfall land pipeline.ts --once')
    .action(async (pipeline: string, options: RunOptions & { once: boolean; json: boolean }) => {
      const { runLand } = await import('../stage/land.ts')
      await runLand({ ...options, pipeline: resolve(pipeline), flags: settingFlags(options) })
    })
  withOtherSettings(withSettings(land, 'data', 'log.url', 'storage.', 'catalog.', 'lander.', 'lake.'))

  const query = program
    .command('query')
    .summary('run the SQL door alone')
    .description('Serves SQL (the Trino protocol) over the tables of a data directory.')
    .argument('<PIPELINE>', 'the pipeline file')
    .addOption(logFormat())
    .addHelpText('after', '\nExample:\n  $ landfall query pipeline.ts --sql 127.0.0.1:8080')
    .action(async (pipeline: string, options: RunOptions) => {
      const { runQuery } = await import('../stage/query.ts')
      await runQuery({ ...options, pipeline: resolve(pipeline), flags: settingFlags(options) })
    })
  withOtherSettings(
    withSettings(query, 'data', 'sql.', 'log.url', 'storage.', 'catalog.', 'lander.url', 'tls.', 'insecure'),
  )

  program
    .command('demo', { hidden: true })
    .description('The game with simulated players: what "npm start" runs.')
    .option('--once', 'end after the answers', false)
    .option('--keep', 'go on with the data of the last time', false)
    .option('--rounds <N>', 'rounds of the load', '52')
    .action(async (options: { once: boolean; keep: boolean; rounds: string }) => {
      const { runDemo } = await import('../demo/demo.ts')
      await runDemo({ ...options, launcher, rounds: Number(options.rounds) })
    })
}
