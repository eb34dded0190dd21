import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { usageError } from '../exit.ts'

const launcher = fileURLToPath(new URL('../../../bin/landfall.js', import.meta.url))

/** Is everything there, once, and undamaged? */
export function addVerifyCommands(program: Command): void {
  program
    .command('verify')
    .summary('kill a copy of a pipeline again and again, and count what is left')
    .description(
      'With --kill N: starts a copy of the pipeline on scratch data, with all its processes and ports of its own, sends it events, and kills one of its ' +
        'processes or all of them (SIGKILL) at N random moments. Then everything lands, and it is checked that no event that was answered is missing, ' +
        'that none is there twice, and that the ledger closes. Data of the pipeline itself is never touched. Exit code 1 when anything is lost or doubled.',
    )
    .argument('[PIPELINE]', 'the pipeline file, for --kill')
    .option('--kill <N>', 'how often (1 to 1000)')
    .option('--seed <N>', 'what is killed when, and what is sent (default: by chance, and told)')
    .option('--json', 'one object', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ landfall verify pipeline.ts --kill 20\n  $ landfall verify pipeline.ts --kill 20 --seed 7     (a run that was told, again)',
    )
    .action(
      async (pipeline: string | undefined, options: { kill?: string; seed?: string; json: boolean }) => {
        const { kill, seed, json } = options
        if (pipeline === undefined || kill === undefined)
          throw usageError('verify: expected a pipeline file and --kill N')
        const { verifyKill } = await import('../verify/kill-command.ts')
        await verifyKill(pipeline, { kill, json, launcher, ...(seed === undefined ? {} : { seed }) })
      },
    )
}
