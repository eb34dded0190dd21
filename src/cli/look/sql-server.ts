/** A Trino or a Presto of others, where `--sql` or LANDFALL_SQL names one instead of an address of ours. */
import { resolveSettings, type SettingName, type Settings } from '../../config.ts'
import { openRemoteSql } from '../../pipeline/readers.ts'
import type { SqlEngine } from '../../sql/sql.ts'
import { trustAuthority } from '../authority.ts'

type Flags = Partial<Record<SettingName, unknown>>

/** Undefined when no such server is named. */
export async function openServer(flags: Flags): Promise<SqlEngine | undefined> {
  const url = flags['sql.listen'] ?? process.env.LANDFALL_SQL
  if (typeof url !== 'string' || !/^(trino|presto):/.test(url)) return undefined
  const { 'sql.listen': _flag, ...others } = flags
  const { LANDFALL_SQL: _variable, ...environment } = process.env
  const settings = resolveSettings({ flags: others, environment })
  const ca = /[?&]ca=([^&#]+)/.exec(url)?.[1]
  if (ca !== undefined) await trustAuthority(decodeURIComponent(ca))
  const { keptNamed } = await import('../../pipeline/named.ts')
  return openRemoteSql(url, { ...whoWeAre(settings), named: await keptNamed(settings.data) })
}

export function whoWeAre(settings: Settings) {
  return {
    token: settings['sql.token'],
    password: settings['sql.password'],
    user: settings['sql.user'],
  }
}
