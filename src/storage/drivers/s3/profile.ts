/** A profile of the AWS tools: `~/.aws/credentials` (AWS_SHARED_CREDENTIALS_FILE) and `~/.aws/config` (AWS_CONFIG_FILE). */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LandfallError, systemCode } from '../../../base/errors.ts'

/** Keys as the files have them; those of `credentials` go before those of `config`. */
export type Profile = Partial<Record<string, string>>

/** An empty one when there is none, unless it was asked for by name. */
export async function readProfile(environment: NodeJS.ProcessEnv, asked?: string): Promise<Profile> {
  const named = asked || environment['AWS_PROFILE'] || environment['AWS_DEFAULT_PROFILE']
  const name = named || 'default'
  const folder = join(environment['HOME'] || homedir(), '.aws')
  const files = {
    config: environment['AWS_CONFIG_FILE'] || join(folder, 'config'),
    credentials: environment['AWS_SHARED_CREDENTIALS_FILE'] || join(folder, 'credentials'),
  }
  const config = parseIni(await readOrNothing(files.config))
  const credentials = parseIni(await readOrNothing(files.credentials))
  const found = [config.get(`profile ${name}`) ?? config.get(name), credentials.get(name)]
  if (named && found.every((one) => one === undefined)) {
    throw new LandfallError('fix-config', 'storage/credentials', `there is no AWS profile "${name}"`, {
      hint: `Looked in ${files.credentials} and ${files.config}`,
    })
  }
  return { ...found[0], ...found[1] }
}

async function readOrNothing(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return ''
    throw new LandfallError('fix-config', 'storage/credentials', `cannot read ${file}`, { cause: error })
  }
}

/** Section → key → value. Comments begin with `#` or `;`; indented lines belong to nested settings and are passed over. */
export function parseIni(text: string): Map<string, Profile> {
  const sections = new Map<string, Profile>()
  let section: Profile = {}
  for (const line of text.split(/\r?\n/)) {
    const title = /^\[\s*(.+?)\s*\]/.exec(line)
    if (title !== null) {
      const name = title[1]!.replace(/\s+/g, ' ')
      section = sections.get(name) ?? {}
      sections.set(name, section)
      continue
    }
    const setting = /^([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(line)
    if (setting !== null) section[setting[1]!.toLowerCase()] = setting[2]!
  }
  return sections
}
