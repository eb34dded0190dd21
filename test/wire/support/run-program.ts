import { spawn } from 'node:child_process'

/** For a Java that is used for a moment. */
export const SMALL = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

export interface Outcome {
  /** What it wrote to stdout, and to stderr. */
  output: string
  errors: string
  code: number | null
}

export function runProgram(
  command: string,
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...options.env } })
    let [output, errors] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ output, errors, code }))
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}
