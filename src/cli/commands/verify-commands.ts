import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { usageError } from '../exit.ts'
import { lookPlaces } from '../places.ts'
import { withSettings } from './setting-options.ts'

const launcher = fileURLToPath(new URL('../../../bin/landfall.js', import.meta.url))

interface VerifyOptions extends Record<string, unknown> {
  repair: boolean
  kill?: string
  seed?: string
  json: boolean
}

/** Is everything there, once, and undamaged? */
export function addVerifyCommands(program: Command): void {
  const verify = program
    .command('verify')
    .summary('check every file, position and row, and repair; or kill a copy of a pipeline and count')
    .description(
      'Reads the whole log and every file of every table, compares checksums, sizes and rows, the tables with each other and with the log, and tells what is damaged: ' +
        'which file, which rows, days and offsets. It changes nothing and may run beside a pipeline. With --repair (the pipeline must be stopped) it makes again what it can ' +
        'from the log and from what is whole, and says what it cannot. Exit code 1 when something is damaged and not repaired.\n\n' +
        'With --kill N: starts a copy of the pipeline on scratch data, with all its processes and ports of its own, sends it events, and kills one of its ' +
        'processes or all of them (SIGKILL) at N random moments. Then everything lands, and it is checked that no event that was answered is missing, ' +
        'that none is there twice, and that the ledger closes. Data of the pipeline itself is never touched. Exit code 1 when anything is lost or doubled.',
    )
    .argument('[PIPELINE]', 'the pipeline file, for --kill')
    .option('--repair', 'make again what is damaged, where the log or other files still have it', false)
    .option('--kill <N>', 'how often (1 to 1000)')
    .option('--seed <N>', 'of --kill: what is killed when, and what is sent (default: by chance, and told)')
    .option('--json', 'one object', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall verify --data ./data\n  $ landfall verify --repair\n  $ landfall verify pipeline.ts --kill 20\n  $ landfall verify pipeline.ts --kill 20 --seed 7     (a run that was told, again)',
    )
    .action(async (pipeline: string | undefined, options: VerifyOptions) => {
      const { kill, seed, json, repair } = options
      if (kill !== undefined) {
        if (pipeline === undefined || repair) throw usageError('verify --kill N expects a pipeline file')
        const { verifyKill } = await import('../verify/kill-command.ts')
        await verifyKill(pipeline, { kill, json, launcher, ...(seed === undefined ? {} : { seed }) })
        return
      }
      if (pipeline !== undefined || seed !== undefined)
        throw usageError('verify: a pipeline file and --seed go with --kill N; name the data with --data')
      const { runVerify } = await import('../verify/verify-command.ts')
      await runVerify(await lookPlaces(options), { repair, json })
    })
  withSettings(verify, 'data', 'log.url', 'storage.', 'catalog.')
}
