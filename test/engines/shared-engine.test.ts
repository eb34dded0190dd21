import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Engine } from '../../src/stack/engine.ts'
import { launch, runningProcesses, stopProcesses } from '../../src/stack/processes.ts'
import { until, wait } from '../support/landfall.ts'
import { startPrivateEngine } from './shared-engine.ts'

/** A run of its own, with an "engine" of two processes, that asks for it twice and then waits to be killed. */
const RUN = `
  import { existsSync } from 'node:fs'
  import { join } from 'node:path'
  import { shareEngine } from './test/engines/shared-engine.ts'
  let starts = 0
  const recipe = {
    prepare: async ({ directory }) => {
      starts += 1
      const command = ['sh', '-c', 'sleep 1000 & echo $! > child; wait']
      return { processes: [{ name: 'sleeper', command }], state: { directory } }
    },
    isReady: async ({ directory }) => existsSync(join(directory, 'child')),
  }
  const engine = { name: 'sleeper', title: 'Sleeper', ports: {}, memoryMb: 1, provide: async () => recipe }
  await shareEngine(engine)
  const { directory } = await shareEngine(engine)
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
  const pid = Number(readFileSync(join(directory, 'child'), 'utf8'))
  expect(isAlive(pid)).toBe(true)
  run.kill('SIGKILL')
  await until('the end of the engine', () => !isAlive(pid) && !existsSync(directory))
})

const sleeper: Engine<{ at: string }> = {
  name: 'sleeper-pair',
  title: 'Two sleepers',
  ports: { one: 20_000 },
  memoryMb: 1,
  provide: async () => ({
    async prepare({ directory, ports }) {
      const sleep = (name: string) => ({
        name,
        command: ['sh', '-c', `echo ${ports['one']} >> ${name}.starts; exec sleep 1000`],
      })
      return { processes: [sleep('first'), sleep('second')], state: { at: directory } }
    },
    isReady: async ({ at }) => existsSync(join(at, 'second.starts')),
  }),
}

test('a private engine is killed, in part or whole, and starts again on the same data and ports', async () => {
  const engine = await startPrivateEngine(sleeper)
  if ('missing' in engine) throw new Error(engine.missing)
  await using _ = engine
  const names = () => runningProcesses(engine.directory).map(({ name }) => name)
  await engine.kill('SIGKILL', 'first')
  expect(names()).toEqual(['second'])
  await engine.kill()
  expect(names()).toEqual([])
  await engine.restart()
  expect(names().sort()).toEqual(['first', 'second'])
  const ports = readFileSync(join(engine.state.at, 'first.starts'), 'utf8').trim().split('\n')
  expect([ports.length, new Set(ports).size]).toEqual([2, 1])
})

test('an engine that ends at once says its own last word', async () => {
  const recipe = {
    prepare: async () => ({
      processes: [{ name: 'broken', command: ['sh', '-c', 'echo "ERROR: no disk"; echo bye; exit 3'] }],
      state: {},
    }),
    isReady: async () => false,
  }
  const broken = { name: 'broken', title: 'Broken', ports: {}, memoryMb: 1, provide: async () => recipe }
  expect(await startPrivateEngine(broken)).toEqual({
    missing: expect.stringMatching(
      /^stack\/not-ready: broken ended at once: ERROR: no disk\. Its log: \S+broken\.log$/,
    ),
  })
})

test('a process that got the number of one of ours later is not ours', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'landfall-test-'))
  try {
    await launch(directory, { name: 'one', command: ['sleep', '1000'] })
    const { pid } = runningProcesses(directory)[0]!
    const file = join(directory, 'one.pid')
    const record = readFileSync(file, 'utf8')
    // The clock of starts ticks every 10 ms.
    await wait(50)
    const stranger = spawn('sleep', ['1000'], { detached: true })
    writeFileSync(file, record.replace(String(pid), String(stranger.pid)))
    expect(runningProcesses(directory)).toEqual([])
    await stopProcesses(directory)
    expect(isAlive(stranger.pid!)).toBe(true)
    stranger.kill('SIGKILL')
    writeFileSync(file, record)
    await stopProcesses(directory)
    await until('its end', () => !isAlive(pid))
  } finally {
    rmSync(directory, { recursive: true })
  }
})
