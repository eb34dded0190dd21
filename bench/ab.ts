import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { check } from './harness.ts'

export const AB_CONNECTIONS = 16

export function hasAb(): boolean {
  return spawnSync('ab', ['-V'], { stdio: 'ignore' }).status === 0
}

/** Apache Bench for so many seconds, a new connection for each request; throws when one failed. */
export async function runAb(url: string, seconds: number): Promise<{ perSecond: number; completed: number }> {
  const args = [
    '-q',
    '-t',
    String(seconds),
    '-n',
    '10000000',
    '-c',
    String(AB_CONNECTIONS),
    '-H',
    'Host: user1.comcast.com',
    url,
  ]
  const { stdout } = await promisify(execFile)('ab', args)
  const figure = (name: string) => Number(new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(stdout)?.[1] ?? 0)
  check(
    figure('Failed requests') === 0 && figure('Non-2xx responses') === 0,
    `ab: requests failed\n${stdout}`,
  )
  return { perSecond: figure('Requests per second'), completed: figure('Complete requests') }
}
