import { readFile } from 'node:fs/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { LandfallError } from '../base/errors.ts'

/** `--ca FILE`: this process trusts these certificates (PEM) beside the usual ones, wherever it asks by https. */
export async function trustAuthority(path: string | undefined): Promise<void> {
  if (path === undefined) return
  try {
    setDefaultCACertificates([...getCACertificates('default'), await readFile(path, 'utf8')])
  } catch (error) {
    throw new LandfallError(
      'fix-config',
      'tls/file',
      `--ca: ${path} cannot be used: ${(error as Error).message}`,
      {
        hint: 'Name a PEM file of the certificates to trust',
        cause: error,
      },
    )
  }
}
