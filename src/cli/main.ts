/**
 * The command line. Each command's code is loaded when it runs, so `landfall up` pays for nothing else; what a command does
 * is in its own file. `docs/reference/cli.md` is printed from here (a test compares).
 */
import { Command, CommanderError } from 'commander'
import { addDeadLetterCommands } from './commands/dead-letter-commands.ts'
import { addLedgerCommands } from './commands/ledger-commands.ts'
import { addLogCommands } from './commands/log-commands.ts'
import { addPipelineCommands } from './commands/pipeline-commands.ts'
import { addRunCommands } from './commands/run-commands.ts'
import { addStackCommands } from './commands/stack-commands.ts'
import { addTableCommands } from './commands/table-commands.ts'
import { addVerifyCommands } from './commands/verify-commands.ts'
import { describeError, EXIT, endQuietlyOnClosedPipe, exit, exitCodeOf } from './exit.ts'
import { styleOf } from './style.ts'
import { SUPERVISED } from './up/messages.ts'
import { version } from './version.ts'

const EPILOGUE = `
Exit codes: 0 done · 1 failed · 2 the command line was wrong
Settings can also be given in the environment (LANDFALL_…) and in the pipeline file; "landfall settings" lists them.

A first minute:
  $ landfall init game && cd game
  $ landfall up pipeline.ts
  $ curl http://127.0.0.1:5000/join_guild/grubs      (in another terminal)
  $ landfall sql "select * from guilds"
`

export function createProgram(): Command {
  const program = new Command('landfall')
    .description('User-behaviour events, from the HTTP request to the SQL answer.')
    .version(version(), '-V, --version')
    .addHelpText('after', EPILOGUE)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'landfall: ')) })
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)')
  addRunCommands(program)
  addTableCommands(program)
  addLedgerCommands(program)
  addLogCommands(program)
  addDeadLetterCommands(program)
  addPipelineCommands(program)
  addVerifyCommands(program)
  addStackCommands(program)
  return program
}

/** Runs one command line to its end and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  endQuietlyOnClosedPipe()
  leaveWithLauncher()
  try {
    await createProgram().parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) await exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage)
    process.stderr.write(`${styleOf(process.stderr).red('landfall:')} ${describeError(error)}\n`)
    await exit(exitCodeOf(error))
  }
  await exit(typeof process.exitCode === 'number' ? process.exitCode : EXIT.ok)
}

/** An older Node started us and stands between us and the terminal (bin/node24.js). When it is killed, we end as on SIGTERM. */
function leaveWithLauncher(): void {
  if (process.send === undefined || process.env[SUPERVISED] === '1') return
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel?.unref()
}
