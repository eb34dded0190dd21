/** The report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere; it prints, and follows dark and light. */

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
import type { Figure, FigureColumn, Finding, Report } from '../report.ts'
import { cellText, headingText, percent } from '../words.ts'
import { chartSvg } from './chart.ts'
import { drawingSvg } from './drawing.ts'
import { escapeHtml } from './escape.ts'
import { STYLE } from './style.ts'

const TABLE_ROWS_MAX = 25

export async function reportHtml(report: Report): Promise<string> {
  const section = async (id: Figure['section']) =>
    (await Promise.all(sectionOf(report, id).map((each) => figureHtml(report, each)))).join('\n')
  const [persons, quality, questions] = [
    await section('persons'),
    await section('quality'),
    await section('questions'),
  ]
  const part = (id: string, title: string, body: string) =>
    body.trim() === '' ? '' : `<section id="${id}"><h2>${title}</h2>\n${body}</section>`
  const body = [
    `<header><h1>${escapeHtml(titleOf(report))}</h1><p>${escapeHtml(periodText(report))}</p><p class="stamp">${escapeHtml(stampOf(report))}</p></header>`,
    part('summary', 'Summary', summaryHtml(report)),
    part('pipeline', 'The pipeline', pipelineHtml(report)),
    part('persons', 'Persons', persons),
    part('questions', 'Questions of the pipeline', questions),
    part('quality', 'Quality of the data', `<p>${escapeHtml(ledgerText(report))}</p>${quality}`),
    part('method', 'Method and SQL', methodHtml(report)),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(titleOf(report))}</title>
<style>${STYLE}</style>
</head>
<body><main>
${body.filter((each) => each !== '').join('\n')}
</main></body>
</html>
`
}

function summaryHtml({ findings, more }: Report): string {
  if (findings.length === 0) return `<p class="nothing">${escapeHtml(NOTHING)}</p>`
  const rest =
    more.length === 0 ? '' : `<p>Also seen: ${more.map(({ title }) => escapeHtml(title)).join('; ')}.</p>`
  return `<ol class="findings">${findings.map(findingHtml).join('\n')}</ol>${rest}`
}

function findingHtml({ title, text, sample, recommended, figures, p }: Finding): string {
  const links = figures.map((id) => `<a href="#sql-${id}">${escapeHtml(id)}</a>`).join(', ')
  const chance =
    p === null
      ? ''
      : ` Chance alone would show this in less than ${p < 0.0001 ? '1 of 10,000' : `${Math.ceil(p * 10_000)} of 10,000`} such reports.`
  return `<li><h3>${escapeHtml(title)}</h3><p>${escapeHtml(text)}</p>
<dl><dt>Seen among</dt><dd>${escapeHtml(sample)}.${chance}</dd><dt>Recommended</dt><dd>${escapeHtml(recommended)}</dd><dt>Read from</dt><dd>${links}</dd></dl></li>`
}

function pipelineHtml(report: Report): string {
  const { pipeline } = report
  const events = Object.keys(pipeline.plan.events)
  const tables = pipeline.tables.map(
    ({ name, events: of }) => `<li><b>${escapeHtml(name)}</b>: ${escapeHtml(of.join(', '))}</li>`,
  )
  const who =
    pipeline.subject === null
      ? 'It does not say who a person is.'
      : `A person is told by <code>${escapeHtml(pipeline.subject)}</code>.`
  return `<div class="drawing" tabindex="0" role="region" aria-label="Drawing">${drawingSvg(report)}</div>
<p>Pipeline <b>${escapeHtml(pipeline.name)}</b> takes ${events.length} kinds of events (${escapeHtml(events.join(', '))}), stores each one durably in a log, judges it once and lands it in its tables. ${who}</p>
<ul>${tables.join('')}<li><b>events</b>: every event that could be used</li><li><b>dead_letters</b>: every event that could not, with the reason</li></ul>
<p>${escapeHtml(personsText(report))}</p>`
}

async function figureHtml(report: Report, figure: Figure): Promise<string> {
  const caption = `<figcaption>${escapeHtml(stampOf(report))} · <a href="#sql-${figure.id}">SQL</a></figcaption>`
  const head = `<h3>${escapeHtml(figure.title)}</h3>`
  if (figure.error !== undefined)
    return `<figure id="${figure.id}">${head}<p class="error">Could not be answered: ${escapeHtml(figure.error)}</p>${caption}</figure>`
  const svg = await chartSvg(figure)
  const only = figure.rows.length === 1 && figure.columns.length === 1 ? figure.rows[0]![0]! : undefined
  const table = only === undefined ? tableHtml(figure) : `<p class="number">${escapeHtml(cellText(only))}</p>`
  const body =
    figure.id === 'retention'
      ? cohortsHtml(figure)
      : svg
        ? `<div class="chart">${svg}</div><details><summary>Table</summary>${table}</details>`
        : table
  return `<figure id="${figure.id}">${head}${body}${caption}</figure>`
}

function tableHtml({ columns, rows, title: label }: Figure): string {
  if (rows.length === 0) return '<p class="nothing">No rows.</p>'
  const isNumber = ({ type }: FigureColumn) =>
    /^(tinyint|smallint|integer|bigint|double|real|decimal)/.test(type)
  const align = columns.map((column) => (isNumber(column) ? ' class="n"' : ''))
  const head = columns.map(({ name }, i) => `<th${align[i]}>${escapeHtml(headingText(name))}</th>`).join('')
  const cells = rows
    .slice(0, TABLE_ROWS_MAX)
    .map(
      (row) =>
        `<tr>${row.map((value, i) => `<td${align[i]}>${escapeHtml(short(cellText(value, columns[i]!.kind)))}</td>`).join('')}</tr>`,
    )
  const rest =
    rows.length > TABLE_ROWS_MAX ? `<p class="stamp">${rows.length - TABLE_ROWS_MAX} more rows</p>` : ''
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(label)}"><table><thead><tr>${head}</tr></thead><tbody>${cells.join('')}</tbody></table></div>${rest}`
}

/** A row for each cohort, a column for each period later. */
function cohortsHtml({ rows, title: label }: Figure): string {
  const latest = Math.max(0, ...rows.map((row) => Number(row[2])))
  const later = Array.from({ length: latest }, (_, i) => i + 1)
  const cohorts = [...new Set(rows.map((row) => String(row[0])))]
  const cell = (cohort: string, at: number) => {
    const row = rows.find((each) => String(each[0]) === cohort && Number(each[2]) === at)
    // More of a colour where more come back; the number is there for everybody.
    const style = row
      ? ` style="background:color-mix(in srgb,var(--c1) ${Math.round(Number(row[4]) * 45)}%,transparent)"`
      : ''
    return `<td class="n"${style}>${row ? percent(Number(row[4])) : ''}</td>`
  }
  const body = cohorts.map((cohort) => {
    const size = rows.find((each) => String(each[0]) === cohort)![1]!
    return `<tr><td class="p">${escapeHtml(cohort)}</td><td class="n">${cellText(size)}</td>${later.map((at) => cell(cohort, at)).join('')}</tr>`
  })
  const head = `<th>first week</th><th class="n">persons</th>${later.map((at) => `<th class="n">${at} later</th>`).join('')}`
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(label)}"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

function short(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}

function methodHtml({ figures }: Report): string {
  const list = figures.map(
    ({ id, title, sql }) =>
      `<details id="sql-${id}"><summary>${escapeHtml(title)}</summary><pre>${escapeHtml(sql)}</pre></details>`,
  )
  return `${METHOD.map((each) => `<p>${escapeHtml(each)}</p>`).join('')}\n${list.join('\n')}`
}
