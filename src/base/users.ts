/**
 * The file of users: one `NAME:sha256:HEX` a line, the digest of the user's token; empty lines and lines that begin with `#` are
 * skipped. `landfall user` writes it. A door takes over a changed file while it is open.
 */
import { readFile } from 'node:fs/promises'
import { LandfallError, systemCode } from './errors.ts'
import { watchFiles } from './watch-files.ts'

export interface Users extends Disposable {
  /** Digest of each user's token, as of now. */
  read(): ReadonlyMap<string, Buffer>
}

const LINE = /^([^:\s#][^:\s]{0,127}):sha256:([0-9a-f]{64})$/

/** What can be the name of a user. */
export function isUserName(name: string): boolean {
  return LINE.test(formatUser(name, Buffer.alloc(32)))
}

export function formatUser(name: string, digest: Buffer): string {
  return `${name}:sha256:${digest.toString('hex')}`
}

/** `onError` is told when a changed file cannot be read; then the users stay who they were. */
export async function openUsers(path: string, onError: (error: unknown) => void): Promise<Users> {
  let users = parseUsers(await readUsersFile(path), path)
  const watching = watchFiles([path], async () => {
    try {
      users = parseUsers(await readUsersFile(path), path)
    } catch (error) {
      onError(error)
    }
  })
  return { read: () => users, [Symbol.dispose]: () => watching[Symbol.dispose]() }
}

export function parseUsers(text: string, path: string): Map<string, Buffer> {
  const users = new Map<string, Buffer>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const found = LINE.exec(line.trim())
    // The line is not shown: it may hold a token that somebody wrote there by mistake.
    if (!found) throw badUsers(`${path}:${index + 1}: expected NAME:sha256:HEX`)
    if (users.has(found[1]!)) throw badUsers(`${path}:${index + 1}: user ${found[1]} is there twice`)
    users.set(found[1]!, Buffer.from(found[2]!, 'hex'))
  }
  return users
}

async function readUsersFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw badUsers(
      `the file of users ${path} cannot be read: ${systemCode(error) ?? (error as Error).message}`,
    )
  }
}

function badUsers(message: string): LandfallError {
  return new LandfallError('fix-config', 'access/users', message, {
    hint: 'Make it with "landfall user NAME --sql-users FILE"',
  })
}
