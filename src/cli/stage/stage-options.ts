/** What the commands of all stages share; loads none of the rooms. */
import { formatError, LandfallError } from '../../base/errors.ts'
import type { TlsFiles } from '../../base/tls.ts'
import type { SettingName, Settings } from '../../config.ts'
import type { Level, LogFormat, Report } from '../reporter.ts'

export interface StageCommandOptions {
  pipeline: string
  flags: Partial<Record<SettingName, unknown>>
  logFormat: LogFormat
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Certificate and key of the doors; null: they speak plain HTTP. */
export function tlsFiles(settings: Settings): TlsFiles | null {
  const { 'tls.cert': cert, 'tls.key': key } = settings
  if (cert !== null && key !== null) return { cert, key }
  if (cert === null && key === null) return null
  throw new LandfallError(
    'fix-config',
    'config/invalid',
    `tls.${cert === null ? 'key' : 'cert'} is given without tls.${cert === null ? 'cert' : 'key'}`,
    { hint: 'Give both, as PEM files: --tls-cert FILE --tls-key FILE' },
  )
}

/** A room's logger that speaks through the report. */
export function loggerOver(report: Report) {
  const say = (level: Level) => (fields: Record<string, unknown>, text: string) => {
    const error = Object.values(fields).find((value) => value instanceof Error)
    report({
      level,
      text: error === undefined ? text : `${text}: ${formatError(error)}`,
      fields: plain(fields),
    })
  }
  return { info: say('info'), warn: say('warn'), error: say('error') }
}

/** Errors do not survive the trip to another process. */
function plain(fields: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(fields)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value instanceof Error ? formatError(value) : value]),
  )
}
