/** `log.json`: which log this is. Written once; positions in tables and plans carry the id. */
import { randomUUID } from 'node:crypto'
import { LandfallError } from '../../../base/errors.ts'
import { createFile, readIfPresent } from '../../../base/files.ts'
import { openSealed, sealJson } from '../../../base/sealed-json.ts'

const FORMAT = 'landfall-log'
const VERSION = 1
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export interface LogIdentity {
  format: typeof FORMAT
  /** Version of the layout in docs/formats/log.md. */
  version: number
  id: string
  /** RFC 3339. */
  createdAt: string
}

export const identityPath = (directory: string): string => `${directory}/log.json`

/** Undefined when there is no log in the directory. */
export async function loadIdentity(directory: string): Promise<LogIdentity | undefined> {
  const path = identityPath(directory)
  const bytes = await readIfPresent(path)
  if (bytes === undefined) return undefined
  let found: Partial<LogIdentity> | undefined
  let why = 'it does not name a log'
  try {
    found = openSealed(bytes) as Partial<LogIdentity>
  } catch (error) {
    why = (error as Error).message
  }
  if (found?.format !== FORMAT || typeof found.id !== 'string' || !UUID.test(found.id)) {
    throw new LandfallError('bad-data', 'log/damaged', `reading ${path}: ${why}`, {
      hint: 'Run "landfall verify --repair": the tables and "durable" know the id of the log',
      details: { path },
    })
  }
  if (found.version !== VERSION) {
    throw new LandfallError(
      'fix-config',
      'log/version',
      `reading ${path}: version ${found.version} of the log format, this program knows version ${VERSION}`,
      { hint: 'Use the version of Landfall that wrote it, or a newer one' },
    )
  }
  return found as LogIdentity
}

export async function createIdentity(directory: string, createdAtMs: number): Promise<LogIdentity> {
  const id = randomUUID()
  await createFile(identityPath(directory), createIdentityText(id, createdAtMs))
  return (await loadIdentity(directory))!
}

/** The file's text. */
export function createIdentityText(id: string, createdAtMs: number): string {
  const createdAt = new Date(createdAtMs).toISOString()
  const identity: LogIdentity = { format: FORMAT, version: VERSION, id, createdAt }
  return sealJson(`${JSON.stringify(identity, null, 2)}\n`)
}

export function absent(directory: string): LandfallError {
  return new LandfallError('retry', 'log/absent', `opening the log at ${directory}: there is none yet`, {
    hint: 'Start the collector, which creates it, or check --data',
    details: { directory },
  })
}
