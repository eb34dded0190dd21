import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { lookPlaces } from '../places.ts'
import { machineSettings, settingFlags, withSettings } from './setting-options.ts'

export const authority = () =>
  new Option('--ca <FILE>', 'certificates (PEM) to trust beside the usual ones, for an https address')

/** Commands around the pipeline file, and what talks to a running pipeline. */
export function addPipelineCommands(program: Command): void {
  const check = program
    .command('check')
    .summary('check a pipeline file against the tables that exist')
    .description(
      'Loads the pipeline file and shows what its tables would change in the lake. ' +
        'Added tables and columns are fine; a changed type or a removed column breaks, and ends with exit code 1.',
    )
    .argument('<PIPELINE>', 'the pipeline file')
    .option('--quiet', 'print only what is wrong', false)
    .option('--json', 'one object', false)
    .addHelpText('after', '\nExample:\n  $ landfall check pipeline.ts --data ./data')
    .action(async (pipeline: string, options: { quiet: boolean; json: boolean }) => {
      const { checkPipeline } = await import('../look/check.ts')
      await checkPipeline(resolve(pipeline), settingFlags({ ...options }), options)
    })
  withSettings(check, 'data', 'storage.url', 'catalog.')

  const swap = program
    .command('swap')
    .summary('hand the tables over to another lander')
    .description(
      'With --rehearse both landers first land the same newest part of the log into namespaces of their own; ' +
        'tables are compared row by row, questions answer by answer, and only when all are equal is the next lander put in charge. ' +
        'Pipeline, tables and the lander that runs are not touched by a rehearsal. Exit code 1 when something differs.',
    )
    .argument('<PIPELINE>', 'the pipeline file')
    .argument(
      '<lander=URL>',
      'the next lander: duckdb:, sc://HOST:15002 (Spark Connect, in batches), or "sc://HOST:15002?mode=stream" (Structured Streaming)',
    )
    .option('--rehearse', 'compare first, and hand over only when all is equal', false)
    .option('--dry-run', 'rehearse, and hand nothing over', false)
    .option('--records <N>', 'rehearse on the newest N records of the log', '1000000')
    .option('--json', 'one object', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall swap pipeline.ts lander=sc://127.0.0.1:15002 --rehearse' +
        "\n  $ landfall swap pipeline.ts 'lander=sc://127.0.0.1:15002?mode=stream&trigger=10s' --rehearse",
    )
    .action(async (pipeline: string, change: string, options: Record<string, unknown>) => {
      const { runSwap } = await import('../swap.ts')
      await runSwap(resolve(pipeline), change, options as never, settingFlags(options))
    })
  withSettings(swap, 'data', 'log.url', 'storage.', 'catalog.', 'lander.')

  program
    .command('init')
    .summary('write a starter pipeline that runs')
    .description('Writes pipeline.ts, package.json and tsconfig.json. Existing files are never overwritten.')
    .argument('[DIR]', 'where', '.')
    .option('--json', 'what was written, as one object', false)
    .addHelpText('after', '\nExample:\n  $ landfall init game && cd game && landfall up pipeline.ts')
    .action(async (directory: string, options: { json: boolean }) => {
      const { init } = await import('../init/init.ts')
      await init(resolve(directory), options)
    })

  const sql = program
    .command('sql')
    .summary('ask one statement, a file, or interactively')
    .description(
      'Asks the SQL door of a running pipeline, or with --data and nothing running reads the tables itself. ' +
        'With --sql trino://… or presto://… it asks a server of theirs, which sees what is committed. ' +
        'Without a statement: interactive on a terminal, else statements from stdin.',
    )
    .argument('[STATEMENT]', 'a statement; more than one are separated by semicolons')
    .option('-f, --file <FILE>', 'statements from a file')
    .option('--json', 'one array of row objects', false)
    .addOption(authority())
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall sql "select count(*) from events"\n  $ landfall sql --json "show tables"\n  $ landfall sql -f report.sql\n  $ landfall sql --sql trino://me@trino.example:8080/lake/default "show tables"',
    )
    .action(async (statement: string | undefined, options: Record<string, unknown>) => {
      const { openSqlCommand } = await import('../look/sql-command.ts')
      await openSqlCommand(statement, options as never, settingFlags(options))
    })
  withSettings(sql, 'data', 'sql.listen', 'log.url', 'storage.', 'catalog.', 'lander.url')

  const report = program
    .command('report')
    .summary('write what the tables say as HTML, notebook and Markdown')
    .description(
      'Writes report.html (one page that needs nothing else), report.ipynb (a notebook with its outputs, which asks the same again) and report.md: what is unusual in the last week beside the week before, ' +
        'who comes and comes back, the questions of the pipeline file, and the quality of the data. Everything is of one batch, so the same batch gives the same bytes. Asks where "landfall sql" asks.',
    )
    .argument('<PIPELINE>', 'pipeline file (.ts)')
    .option('--out <DIR>', 'where the files are written', 'report')
    .option('--at <SNAPSHOT>', 'a past batch, or a snapshot of events (default: the newest batch)')
    .option(
      '--keep <TIME>',
      'how long the snapshots of its batch are kept, so that --at gives the same again',
      '30d',
    )
    .option('--no-keep', 'write nothing to the tables')
    .option('--identify', 'show persons as they are, and groups of fewer than 5', false)
    .option('--json', 'findings and files as one object', false)
    .addOption(authority())
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall report pipeline.ts --sql 127.0.0.1:8080 --out report\n  $ landfall report pipeline.ts --data ./data --at 17',
    )
    .action(async (path: string, options: Record<string, unknown>) => {
      const { writeReport } = await import('../look/report.ts')
      await writeReport(path, options as never, settingFlags(options))
    })
  withSettings(report, 'data', 'sql.listen', 'log.url', 'storage.', 'catalog.', 'lander.url')

  const status = program
    .command('status')
    .summary('show what runs on a data directory, and how far it is')
    .description(
      'Shows processes and addresses, the end of the log, where the tables stand and what is pending. Exit code 1 when nothing runs.',
    )
    .option('--json', 'one object', false)
    .action(async (options: { json: boolean }) => {
      const { showStatus } = await import('../look/status.ts')
      await showStatus(await lookPlaces({ ...options }), options)
    })
  withSettings(status, 'data', 'log.url', 'storage.url', 'catalog.')

  const simulate = program
    .command('simulate')
    .summary('send requests as players would')
    .description(
      'Plays a pipeline over HTTP with made-up players, and prints a summary as Apache Bench does. They have habits: sessions, days and nights, a way ' +
        'through the routes, favourites; most look once, some come daily, few spend a lot. The same seed sends the same requests. ' +
        'It works for any pipeline; what it cannot guess stands in "simulate" of the pipeline file, or in a load.json beside it. ' +
        'Exit code 1 when a request got no answer, or another one than it must have (2xx, or 409 from an application with a state).',
    )
    .argument('<PIPELINE>', 'the pipeline file')
    .option('--users <N>', 'how many players', '100')
    .option('--events <N>', 'how many requests; of history, events (default: 1000; of history, all)')
    .option('--duration <TIME>', 'end after so long, e.g. 30s')
    .option('--rate <N>', 'requests per second at most (0: as fast as they are answered)', '0')
    .option('--concurrency <N>', 'connections, each with one request in flight', '16')
    .option('--seed <N>', 'the same seed sends the same requests', '1')
    .option(
      '--backdate <TIME>',
      'fill in history instead, e.g. 30d: batches of past events, with their times, for a source with trustTime',
    )
    .option('--bad <SHARE>', 'so much of what is sent is wrong, e.g. 0.01: names, types, JSON', '0')
    .option('--uniform', 'no habits: any user, any route, any value, as simple generators do', false)
    .option('--load <FILE>', 'hints and a round of requests (default: load.json beside the pipeline)')
    .option('--rounds <N>', "send the load's round so often, in its order, one request at a time")
    .option('--json', 'the summary as one object', false)
    .addOption(authority())
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall simulate pipeline.ts --users 1000 --events 100000 --rate 2000\n' +
        '  $ landfall simulate pipeline.ts --users 1000 --backdate 30d\n' +
        '  $ landfall simulate pipeline.ts --duration 1m --concurrency 64 --bad 0.01',
    )
    .action(async (pipeline: string, options: Record<string, unknown>) => {
      const { runSimulate } = await import('../simulate/simulate-command.ts')
      await runSimulate(resolve(pipeline), options as never, settingFlags(options))
    })
  withSettings(simulate, 'data', 'collector.listen')

  const user = program
    .command('user')
    .summary('add a user of SQL, or give one a new token')
    .description(
      'Makes a random token, writes its digest beside the name into the file of users, and prints the token: nobody can see it again. ' +
        'A running door takes the file over within a second or two.',
    )
    .argument('<NAME>')
    .option('--remove', 'take the user out instead', false)
    .option('--json', 'user, file and token as one object', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ landfall user alice --sql-users users && landfall up pipeline.ts --sql-users users',
    )
    .action(async (name: string, options: { remove: boolean; json: boolean; sqlUsers?: string }) => {
      const { changeUser } = await import('../user.ts')
      await changeUser(name, machineSettings({ ...options })['sql.users'], options)
    })
  withSettings(user, 'sql.users')

  program
    .command('settings')
    .summary('list every setting with flag, environment name and default')
    .option('--json', 'one array of objects', false)
    .action(async (options: { json: boolean }) => {
      const { showSettings } = await import('../look/settings.ts')
      showSettings(options)
    })
}
