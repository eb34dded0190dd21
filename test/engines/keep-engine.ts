/**
 * `keep-engine.ts RUN DIRECTORY COMMAND…`: runs an engine as long as the process RUN lives, then ends it and removes its directory. An
 * engine that ends before leaves the file `ended`.
 */
import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const LOOK_MS = 500
const PATIENCE_MS = 5000

const [run, directory, command, ...args] = process.argv.slice(2) as [string, string, string, ...string[]]
const engine = spawn(command, args, {
  stdio: ['ignore', 'inherit', 'inherit'],
  cwd: directory,
  // A group of its own: an engine may be several processes.
  detached: true,
})
let running = true

engine.on('error', (error) => {
  process.stderr.write(`${command}: ${error.message}\n`)
  noteEnd()
})
engine.on('exit', noteEnd)

function noteEnd(): void {
  running = false
  writeFileSync(join(directory, 'ended'), '')
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function endGroup(signal: NodeJS.Signals): void {
  try {
    process.kill(-engine.pid!, signal)
  } catch {
    // Nobody is left in it.
  }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

while (isAlive(Number(run))) await wait(LOOK_MS)
const patience = performance.now() + PATIENCE_MS
endGroup('SIGTERM')
while (running && performance.now() < patience) await wait(50)
endGroup('SIGKILL')
while (running) await wait(50)
rmSync(directory, { recursive: true, force: true })
