import { randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { digestOf } from '../base/access.ts'
import { readIfPresent, replaceFile } from '../base/files.ts'
import { formatUser, isUserName, parseUsers } from '../base/users.ts'
import { usageError } from './exit.ts'

/** `landfall user NAME`: the file is replaced whole; its comments are kept. */
export async function changeUser(
  name: string,
  file: string | null,
  { remove, json }: { remove: boolean; json: boolean },
): Promise<void> {
  if (file === null) throw usageError('name the file of users with --sql-users FILE')
  if (!isUserName(name))
    throw usageError(`NAME: expected at most 128 characters without blanks and ":", found "${name}"`)
  const path = resolve(file)
  const text = (await readIfPresent(path))?.toString('utf8') ?? ''
  const known = parseUsers(text, path).has(name)
  if (remove && !known) throw usageError(`there is no user ${name} in ${path}`)
  const others = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith(`${name}:`))
  const token = randomBytes(32).toString('base64url')
  const lines = remove ? others : [...others, formatUser(name, digestOf(token))]
  // A new file is its owner's alone; one that is there keeps who may read it.
  const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0o600
  await replaceFile(path, lines.map((line) => `${line}\n`).join(''), mode)
  if (json) {
    const said = { user: name, file: path, ...(remove ? { removed: true } : { token }) }
    process.stdout.write(`${JSON.stringify(said, null, 2)}\n`)
  } else if (!remove) process.stdout.write(`${token}\n`)
}
