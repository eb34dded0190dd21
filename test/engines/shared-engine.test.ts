import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { until } from '../support/landfall.ts'

/** A run of its own, with an "engine" of two processes, that asks for it twice and then waits to be killed. */
const RUN = `
  import { existsSync } from 'node:fs'
  import { join } from 'node:path'
  import { shareEngine } from './test/engines/shared-engine.ts'
  let starts = 0
  const recipe = {
    name: 'sleeper',
    prepare: async (directory) => {
      starts += 1
      return { command: ['sh', '-c', 'sleep 1000 & echo $! > pid; wait'], state: { directory } }
    },
    isReady: async ({ directory }) => existsSync(join(directory, 'pid')),
  }
  await shareEngine(recipe)
  const { directory } = await shareEngine(recipe)
  console.log(JSON.stringify({ directory, starts }))
  setInterval(() => {}, 1000)
`

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('an engine is started once, and ends with its run, also when that is killed', async () => {
  const { VITEST: _, ...env } = process.env
  const run = spawn(process.execPath, ['--input-type=module', '--eval', RUN], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  run.stdout.on('data', (text) => (output += text))
  await until('the engine', () => output.endsWith('}\n'))
  const { directory, starts } = JSON.parse(output) as { directory: string; starts: number }
  expect(starts).toBe(1)
  const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'))
  expect(isAlive(pid)).toBe(true)
  run.kill('SIGKILL')
  await until('the end of the engine', () => !isAlive(pid) && !existsSync(directory))
})
