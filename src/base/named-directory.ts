import { LandfallError, systemCode } from './errors.ts'
import { makeDirectory } from './files.ts'

/** Makes a directory that a user has named, or throws `config/directory`, which says what stands in the way. `what`: `the data directory`. */
export async function makeNamedDirectory(path: string, what: string, option: string): Promise<void> {
  try {
    await makeDirectory(path)
  } catch (cause) {
    throw new LandfallError(
      'fix-config',
      'config/directory',
      `${what} ${path} cannot be made: ${obstacle(cause)}`,
      {
        hint: `Name another with ${option}; it is made when it is not there`,
        cause,
      },
    )
  }
}

function obstacle(cause: unknown): string {
  const code = systemCode(cause)
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'it is a file, or within one'
  if (code === 'EACCES' || code === 'EPERM') return `this user may not write there (${code})`
  if (code === 'EROFS') return 'that file system is read-only (EROFS)'
  if (code === 'ENOENT') return 'that file system takes no directories (ENOENT)'
  return code ?? String(cause)
}
