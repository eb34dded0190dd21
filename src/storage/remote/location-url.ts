import { LandfallError } from '../../base/errors.ts'

/** The parts of a storage URL. Refused: a password (secrets never stand in a URL) and parameters that nobody knows. */
export function readUrl(
  url: string,
  scheme: string,
  known: readonly string[],
): { host: string; path: string; parameters: URLSearchParams } {
  const match = new RegExp(`^${scheme}://([^/?#]*)([^?#]*)(?:\\?([^#]*))?$`).exec(url)
  if (match === null) throw badUrl(withoutSecret(url), `expected ${scheme}://host/path`)
  const [, host, path, query] = match as unknown as [string, string, string, string | undefined]
  if (host.includes('@')) {
    throw new LandfallError(
      'fix-config',
      'storage/secret-in-url',
      `${withoutSecret(url)} carries credentials`,
      {
        hint: 'Take them out of the URL and give them by the environment (docs/reference)',
      },
    )
  }
  const parameters = new URLSearchParams(query ?? '')
  for (const name of parameters.keys())
    if (!known.includes(name))
      throw badUrl(url, `unknown parameter "${name}"`, `There are ${known.join(', ')}`)
  const trimmed = path.replace(/^\/+|\/+$/g, '')
  const bad =
    trimmed !== '' && trimmed.split('/').some((name) => name === '' || name === '.' || name === '..')
  if (bad) throw badUrl(url, 'the path has an empty name, "." or ".."')
  return { host, path: trimmed, parameters }
}

export function badUrl(url: string, what: string, hint?: string): LandfallError {
  return new LandfallError(
    'fix-config',
    'storage/bad-url',
    `${url}: ${what}`,
    hint === undefined ? {} : { hint },
  )
}

function withoutSecret(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//…@')
}
