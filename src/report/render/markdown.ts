/** The report as Markdown: for a ticket, a chat, a repository. */

import {
  ledgerText,
  METHOD,
  NOTHING,
  periodText,
  personsText,
  sectionOf,
  stampOf,
  titleOf,
} from '../render-texts.ts'
import type { Figure, Report } from '../report.ts'
import { cellText, headingText } from '../words.ts'

const ROWS_MAX = 15

export function reportMarkdown(report: Report): string {
  const { findings, more, figures } = report
  const summary =
    findings.length === 0
      ? [NOTHING]
      : findings.map(
          ({ title, text, sample, recommended }, i) =>
            `${i + 1}. **${plain(title)}**\n   ${plain(text)}\n   Seen among ${plain(sample)}.\n   Recommended: ${plain(recommended)}`,
        )
  const also = more.length === 0 ? [] : [`Also seen: ${more.map(({ title }) => plain(title)).join('; ')}.`]
  const section = (title: string, id: Figure['section']) => {
    const shown = sectionOf(report, id)
    return shown.length === 0
      ? []
      : [
          `## ${title}`,
          ...shown.flatMap((each) => [`### ${plain(each.title)}`, figureText(each), `_${stampOf(report)}_`]),
        ]
  }
  const parts = [
    `# ${plain(titleOf(report))}`,
    periodText(report),
    `_${stampOf(report)}_`,
    '## Summary',
    ...summary,
    ...also,
    '## The pipeline',
    `\`request → collector → log → lander → ${[...report.frozen.tables.keys()].join(', ')}\``,
    personsText(report),
    ...section('Persons', 'persons'),
    ...section('Questions of the pipeline', 'questions'),
    ...section('Quality of the data', 'quality'),
    ledgerText(report),
    '## Method and SQL',
    ...METHOD,
    ...figures.flatMap(({ title, sql }) => [`### ${plain(title)}`, `\`\`\`sql\n${sql}\n\`\`\``]),
  ]
  return `${parts.join('\n\n')}\n`
}

function figureText({ columns, rows, error }: Figure): string {
  if (error !== undefined) return `Could not be answered: ${plain(error)}`
  if (rows.length === 0) return 'No rows.'
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  const shown = rows
    .slice(0, ROWS_MAX)
    .map((row) => line(row.map((value, i) => plain(cellText(value, columns[i]!.kind)).slice(0, 160))))
  const rest = rows.length > ROWS_MAX ? [`\n${rows.length - ROWS_MAX} more rows`] : []
  return [
    line(columns.map(({ name }) => plain(headingText(name)))),
    line(columns.map(() => '---')),
    ...shown,
    ...rest,
  ].join('\n')
}

/** Text that stays text. */
function plain(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|]/g, '\\$&').replaceAll(/\s*\n\s*/g, ' ')
}
