import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Why tests with the real ab cannot run here, or undefined. */
export function abMissing(): string | undefined {
  return spawnSync('ab', ['-V']).status === 0 ? undefined : 'ab is not installed (Debian: apache2-utils)'
}

/** `ab -n COUNT -H "Host: HOST" URL`; throws unless every request was answered with a 2xx. */
export async function ab(count: number, host: string, url: string, args: string[] = []): Promise<void> {
  const { stdout } = await execute('ab', ['-q', '-n', String(count), '-H', `Host: ${host}`, ...args, url])
  const complete = Number(/Complete requests:\s+(\d+)/.exec(stdout)?.[1])
  const bad = Number(/Non-2xx responses:\s+(\d+)/.exec(stdout)?.[1] ?? 0)
  if (complete !== count || bad !== 0) throw new Error(`ab: ${complete} of ${count} complete, ${bad} not 2xx`)
}
