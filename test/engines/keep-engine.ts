/**
 * `keep-engine.ts RUN DIRECTORY`: waits for the end of the process RUN, then ends the engine in the directory, with everything it
 * started, and removes the directory.
 */
import { existsSync, rmSync } from 'node:fs'
import { stopProcesses } from '../../src/stack/processes.ts'

const LOOK_MS = 500

const [run, directory] = process.argv.slice(2) as [string, string]

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

while (isAlive(Number(run)) && existsSync(directory))
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
await stopProcesses(directory)
rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
