/** What the commands of all stages share; loads none of the rooms. */
import { isLoopback } from '../../base/access.ts'
import { formatError, LandfallError } from '../../base/errors.ts'
import { formatAddress } from '../../base/setting.ts'
import type { TlsFiles } from '../../base/tls.ts'
import type { SettingName, Settings } from '../../config.ts'
import type { Level, LogFormat, Report } from '../reporter.ts'

export interface StageCommandOptions {
  pipeline: string
  flags: Partial<Record<SettingName, unknown>>
  logFormat: LogFormat
}

type Door = 'collector' | 'sql'

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Certificate and key of a door; null: it speaks plain HTTP. */
export function tlsFiles(settings: Settings, door: Door): TlsFiles | null {
  const { 'tls.cert': cert, 'tls.key': key } = settings
  if (cert !== null && key !== null) return { cert, key }
  if (cert === null && key === null) {
    const { [`${door}.listen` as const]: listen } = settings
    if (listen.secure) throw needsCertificate(formatAddress(listen))
    return null
  }
  throw new LandfallError(
    'fix-config',
    'config/invalid',
    `tls.${cert === null ? 'key' : 'cert'} is given without tls.${cert === null ? 'cert' : 'key'}`,
    { hint: 'Give both, as PEM files: --tls-cert FILE --tls-key FILE' },
  )
}

/** A door that others can reach by plain HTTP: what proves who somebody is could be read on the way. */
export function warnUnencrypted(settings: Settings, door: Door, report: Report): void {
  const { 'tls.cert': cert, insecure, [`${door}.listen` as const]: listen } = settings
  if (cert !== null || insecure || isLoopback(listen.host)) return
  const text = `keys and tokens travel unencrypted to ${formatAddress(listen)}: give --tls-cert and --tls-key, or let a proxy end TLS before it`
  report({ level: 'warn', text, fields: { door } })
}

function needsCertificate(address: string): LandfallError {
  return new LandfallError(
    'fix-config',
    'config/invalid',
    `https://${address} is to be served without a certificate`,
    {
      hint: 'Give --tls-cert FILE --tls-key FILE',
    },
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
