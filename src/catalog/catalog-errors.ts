/** What drivers of the catalog say. */
import { LandfallError } from '../base/errors.ts'

/** What file systems take as the name of a folder. */
const NAME_BYTES_MAX = 255

/** Throws unless a name can be that of a table, and of its folder. */
export function checkTableName(name: string, fits: RegExp = /^[^./\\\0][^/\\\0]*$/): void {
  if (fits.test(name) && Buffer.byteLength(name) <= NAME_BYTES_MAX) return
  const shown = JSON.stringify(name.slice(0, NAME_BYTES_MAX))
  throw new LandfallError('fix-config', 'catalog/bad-name', `${shown} cannot be the name of a table`, {
    hint: 'Use lower-case letters, digits and _',
  })
}

export function conflict(table: string, why: string): LandfallError {
  return new LandfallError(
    'retry',
    'catalog/conflict',
    `table ${table} was changed by another writer: ${why}`,
    { hint: 'Load the table again and commit on top of it', details: { table } },
  )
}

export function unknownOutcome(table: string, what: string, cause: unknown): LandfallError {
  return new LandfallError('retry', 'catalog/unknown-outcome', `${what} may or may not have happened`, {
    hint: 'Load the table and look at its position before anything is tried again; delete nothing',
    details: { table },
    cause,
  })
}

export function unreachable(url: string, cause: unknown): LandfallError {
  const why = (cause as Error).message || String((cause as { code?: string }).code)
  return new LandfallError('retry', 'catalog/unreachable', `the catalog ${url} does not answer: ${why}`, {
    hint: 'Check the URL (--catalog), and that the server runs and can be reached from here',
    cause,
  })
}

export function damaged(table: string, path: string, cause: unknown): LandfallError {
  const why = (cause as Error).message
  return new LandfallError('bad-data', 'catalog/damaged', `cannot read ${path}: ${why}`, {
    hint: 'Run "landfall verify --repair", or restore the file from a backup',
    details: { table, path },
    cause,
  })
}
