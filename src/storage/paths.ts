import { LandfallError } from '../base/errors.ts'

/** Throws unless a path is one of ours: relative, `/` between names, no empty name, no `.` or `..`. */
export function checkPath(path: string): void {
  const bad =
    path === '' ||
    path.includes('\\') ||
    path.includes('\0') ||
    path.split('/').some((name) => name === '' || name === '.' || name === '..')
  if (bad) {
    throw new LandfallError(
      'bug',
      'storage/bad-path',
      `a storage path must be relative and without '..', found ${JSON.stringify(path)}`,
    )
  }
}

/** The same for a prefix, which may be empty (everything) or end in `/`. */
export function checkPrefix(prefix: string): string {
  const trimmed = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
  if (trimmed !== '') checkPath(trimmed)
  return trimmed
}

export function notFound(url: string, path: string, cause?: unknown): LandfallError {
  return new LandfallError('bad-data', 'storage/not-found', `no object ${path} in ${url}`, {
    hint: 'The file was deleted or never written: "landfall verify --repair" makes a data file again; or check the data directory',
    details: { path },
    cause,
  })
}

/** A name that must be free is not. */
export function taken(url: string, path: string): LandfallError {
  return new LandfallError('bug', 'storage/exists', `EEXIST: there is an object ${path} in ${url}`, {
    hint: 'Names of data files are never used twice; report this with the path',
    details: { path },
  })
}
