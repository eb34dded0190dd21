/** Starts the programs of the fault tests under the hook. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { FaultPlan } from './plan.ts'

const HOOK = join(import.meta.dirname, 'hook.ts')
/** None takes so long; one that does is stuck, and a failure. */
const CHILD_MS = 600_000

export interface ChildEnd {
  code: number | null
  signal: NodeJS.Signals | null
  output: string
  errors: string
}

/** Runs a program of this folder with its task as JSON and the plan before its files. */
export function runChild(program: string, task: object, plan: FaultPlan): Promise<ChildEnd> {
  const child = spawn(
    process.execPath,
    ['--import', HOOK, join(import.meta.dirname, program), JSON.stringify(task)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: CHILD_MS,
      killSignal: 'SIGABRT',
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/faults'),
        LANDFALL_FAULTS: JSON.stringify(plan),
      },
    },
  )
  let output = ''
  let errors = ''
  child.stdout.on('data', (text) => void (output += text))
  child.stderr.on('data', (text) => void (errors += text))
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('close', (code, signal) => done({ code, signal, output, errors }))
  })
}
