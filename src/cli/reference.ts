/** The pages docs/reference/cli.md and docs/reference/settings.md, from the commands and settings themselves. */
import type { Command } from 'commander'
import { settingRows } from './look/settings.ts'
import { createProgram } from './main.ts'

export function cliReference(): string {
  const program = createProgram()
  const visible = program.commands.filter((command) => command.name() !== 'demo')
  const sections = visible.flatMap((command) => [
    `## landfall ${command.name()}\n\n${helpOf(command)}`,
    ...command.commands.map((sub) => `### landfall ${command.name()} ${sub.name()}\n\n${helpOf(sub)}`),
  ])
  const list = visible.map(
    (command) => `- [${command.name()}](#landfall-${command.name()}): ${command.summary()}`,
  )
  return `# Command line

\`npx landfall COMMAND\`. Results go to stdout, everything else to stderr, so a pipe carries only results. With \`--json\` the
result is one JSON document. A mistake is told in one line; \`LANDFALL_DEBUG=1\` adds where it came from.

${markdownTable(
  ['exit code', 'meaning'],
  [
    ['0', 'done'],
    ['1', 'it failed: the message says what was attempted, what was found, what to do'],
    ['2', 'the command line, a variable or a setting was wrong; nothing was attempted'],
  ],
)}

${list.join('\n')}

${sections.join('\n\n')}
`
}

function helpOf(command: Command): string {
  let text = ''
  command.configureHelp({ helpWidth: 100 })
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return `\`\`\`\n${text.trimEnd()}\n\`\`\``
}

export function settingsReference(): string {
  const rows = settingRows().map(({ name, default: value, flag, environment, pipeline, help }) => [
    `\`${name}\``,
    value,
    flag === '' ? '' : `\`${flag}\``,
    `\`${environment}\``,
    pipeline ? 'yes' : '',
    help,
  ])
  return `# Settings

Each setting can be given as a flag, in the environment, or (where the table says so) in the pipeline file:

\`\`\`ts
export default definePipeline({
  settings: { lander: { batchAge: '5s' }, collector: { bodyBytesMax: '1MB' } },
  // …
})
\`\`\`

A flag wins over the environment, the environment over the pipeline, the pipeline over the default. Times are written \`500ms\`, \`10s\`,
\`5m\`, \`12h\`, \`7d\`; sizes \`500KB\`, \`64MB\`, \`2GiB\`; shares \`5%\` or \`0.05\`. Secrets have no flag, because a command line
is visible to everyone on the machine. \`landfall settings\` prints this table.

${markdownTable(['setting', 'default', 'flag', 'environment', 'pipeline', 'what it is'], rows)}

\`LANDFALL_DEBUG=1\` adds stack traces to messages.
`
}

/** Aligned, as the formatter would do it. */
function markdownTable(head: string[], rows: string[][]): string {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  return [line(head), line(widths.map((size) => '-'.repeat(size))), ...rows.map(line)].join('\n')
}
