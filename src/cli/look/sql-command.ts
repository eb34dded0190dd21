import { urlOf } from '../../base/setting.ts'
import { resolveSettings, roomSettings, type SettingName, type Settings } from '../../config.ts'
import { isOwn, MOVABLE } from '../../pipeline/places.ts'
import { hasLog, openRemoteSql } from '../../pipeline/readers.ts'
import { readUpFile } from '../../pipeline/up-file.ts'
import type { SqlEngine } from '../../sql/sql.ts'
import { trustAuthority } from '../authority.ts'
import { usageError } from '../exit.ts'
import { lookPlaces } from '../places.ts'
import { runSql } from '../sql/run-sql.ts'
import { openServer, whoWeAre } from './sql-server.ts'

export interface SqlCommandOptions {
  file?: string
  json: boolean
  ca?: string
}

/** `landfall sql`. */
export async function openSqlCommand(
  statement: string | undefined,
  options: SqlCommandOptions & Record<string, unknown>,
  flags: Partial<Record<SettingName, unknown>>,
): Promise<void> {
  const { file, json, ca } = options
  if (statement !== undefined && file !== undefined) {
    throw usageError('give a statement or --file, not both')
  }
  const isTTY = process.stdin.isTTY === true && process.stdout.isTTY === true
  const interactive = isTTY && statement === undefined && file === undefined
  const stop = new AbortController()
  // The conversation handles Ctrl-C itself: there it cancels a statement.
  if (!interactive) process.once('SIGINT', () => stop.abort())
  await using engine = await openEngine(flags, { ...options, ca })
  process.exitCode = await runSql({
    engine,
    json,
    ...(statement === undefined ? {} : { statement }),
    ...(file === undefined ? {} : { file }),
    input: process.stdin,
    output: process.stdout,
    errorOutput: process.stderr,
    isTTY,
    signal: stop.signal,
  })
}

/**
 * Where to ask: the address that was given; else what runs on the data directory; else, when the data directory or the tables' URL
 * was named or they are there, the tables without a server; else the usual address.
 */
export async function openEngine(
  flags: Partial<Record<SettingName, unknown>>,
  { ca, ...options }: Record<string, unknown> & { ca?: string | undefined },
): Promise<SqlEngine> {
  await trustAuthority(ca)
  const server = await openServer(flags)
  if (server !== undefined) return server
  const settings = resolveSettings({ flags, environment: process.env })
  if (flags['sql.listen'] !== undefined || process.env.LANDFALL_SQL) return remote(settings, undefined)
  const up = readUpFile(settings.data)
  if (up !== undefined) return remote(settings, up.sql)
  const places = await lookPlaces(options)
  const elsewhere = MOVABLE.some((part) => !isOwn(places, part))
  if (flags.data === undefined && !elsewhere && !hasLog(places)) return remote(settings, undefined)
  const { openDataEngine } = await import('../../pipeline/query.ts')
  const { withSessions } = await import('../../sql/session/with-sessions.ts')
  return withSessions(await openDataEngine(places, roomSettings(settings, 'sql')))
}

function remote(settings: Settings, url: string | undefined): Promise<SqlEngine> {
  // Our own door asks for tokens; a password is for servers of others.
  return openRemoteSql(url ?? urlOf(settings['sql.listen']), { ...whoWeAre(settings), password: null })
}
