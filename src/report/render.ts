/** The three forms of a report. Equal reports give equal bytes. */
import { reportHtml } from './render/html.ts'
import { reportMarkdown } from './render/markdown.ts'
import { reportNotebook } from './render/notebook.ts'
import type { Report } from './report.ts'

export interface ReportFile {
  name: string
  content: string
}

export async function renderReport(report: Report): Promise<ReportFile[]> {
  return [
    { name: 'report.html', content: await reportHtml(report) },
    { name: 'report.ipynb', content: reportNotebook(report) },
    { name: 'report.md', content: reportMarkdown(report) },
  ]
}
