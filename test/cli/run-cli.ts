import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

const launcher = resolve(import.meta.dirname, '../../bin/landfall.js')

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs one command line to its end, as a user would type it. */
export function landfall(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: 'pipe',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  child.stdin.end(options.input ?? '')
  return new Promise((done) => child.on('close', (code) => done({ code, stdout, stderr })))
}
