/** Why a server of Trino's protocol gave no answer, and what to do. */
import { isLandfallError, LandfallError } from '../../base/errors.ts'
import { untrusted } from '../../base/tls.ts'
import type { TrinoUrl } from './trino-url.ts'

type Dialect = TrinoUrl['dialect']

export function tooLarge(rowsMax: number): LandfallError {
  return new LandfallError('fix-request', 'sql/too-large', `the answer has more than ${rowsMax} rows`, {
    hint: 'Add a LIMIT or a condition, or aggregate',
  })
}

export function refused(base: string, status: number, text: string): LandfallError {
  const found = `${status} ${text.trim().slice(0, 200)}`
  if (status === 401 || status === 403) {
    const hint =
      status === 401
        ? 'Set the token with LANDFALL_SQL_TOKEN, or the password with LANDFALL_SQL_PASSWORD'
        : 'Set the name that belongs to the token with LANDFALL_SQL_USER'
    return new LandfallError(
      'fix-config',
      'sql/unauthorized',
      `the SQL server at ${base} refused: ${found}`,
      { hint },
    )
  }
  const kind = status >= 500 || status === 429 ? 'retry' : 'fix-request'
  return new LandfallError(kind, 'sql/refused', `the SQL server at ${base} answered ${found}`)
}

const DIALECTS = { trino: 'Trino', presto: 'Presto' } as const

/** What a server says it is: versions of Presto begin with `0.`, those of Trino are whole numbers. */
async function serverDialect(
  base: string,
): Promise<{ dialect: 'trino' | 'presto'; version: string } | undefined> {
  try {
    const response = await fetch(`${base}/v1/info`, { signal: AbortSignal.timeout(5000) })
    const info = (await response.json()) as { nodeVersion?: { version?: string } }
    const version = info.nodeVersion?.version
    if (version === undefined) return undefined
    return { dialect: version.startsWith('0.') ? 'presto' : 'trino', version }
  } catch {
    // It said no already; this was only for a better text.
    return undefined
  }
}

/** A Trino refuses who sends Presto's headers, and a Presto those of Trino, as if nobody had said a name. */
export async function otherDialect(
  base: string,
  status: number,
  dialect: Dialect,
  text: string,
): Promise<LandfallError | undefined> {
  if ((status !== 400 && status !== 401) || !/user/i.test(text)) return undefined
  const found = await serverDialect(base)
  if (found === undefined || found.dialect === dialect) return undefined
  return new LandfallError(
    'fix-config',
    'sql/other-dialect',
    `expected a server of ${DIALECTS[dialect]} at ${base}, found ${DIALECTS[found.dialect]} ${found.version}`,
    { hint: `Begin the URL with ${found.dialect}://` },
  )
}

export function unreachable(base: string, error: unknown, dialect: Dialect): unknown {
  if (isLandfallError(error) || (error as Error)?.name === 'AbortError') return error
  const distrust = untrusted(base, error)
  if (distrust !== undefined) return distrust
  return new LandfallError('retry', 'sql/unreachable', `no SQL server answers at ${base}`, {
    hint:
      dialect === 'presto'
        ? 'Start it, or name its address with --sql'
        : 'Start one with landfall up, or name its address with --sql',
    cause: error,
  })
}
