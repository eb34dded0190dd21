/**
 * `keep-engine.ts RUN DIRECTORY`: waits for the end of the process RUN, then ends the engine in the directory (or those in its folders,
 * when it is a stack), with everything it started, and removes the directory.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
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
const folders = existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : []
const parts = folders.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name))
await Promise.all([directory, ...parts].map(stopProcesses))
rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
