import { styleOf } from './style.ts'

/** What the processes of Landfall tell the person who started them: lines on stderr, or JSON for machines. */
export type Level = 'info' | 'warn' | 'error'

export interface Note {
  level: Level
  text: string
  /** What a machine would want to filter by, e.g. `{ stage: 'door', code: 'log/damaged' }`. Never a secret. */
  fields?: Record<string, unknown>
  /** Notes with the same key are said once. */
  once?: string
}

export type Report = (note: Note) => void
export const LOG_FORMATS = ['text', 'json'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

export async function openReport(format: LogFormat): Promise<Report> {
  if (format === 'text') return reportText
  const { pino } = await import('pino')
  const log = pino({ base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }))
  return ({ level, text, fields }) => log[level](fields ?? {}, text)
}

export const reportText: Report = ({ level, text }) => {
  const style = styleOf(process.stderr)
  const mark = level === 'info' ? '' : style[level === 'warn' ? 'yellow' : 'red'](`${level}: `)
  process.stderr.write(`${mark}${text}\n`)
}
