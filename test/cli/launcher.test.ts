import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { projectRoot, until } from '../support/landfall.ts'

// bin/node24.js stands between an older Node and the one that runs Landfall. Here both are the same Node.
const module = pathToFileURL(join(projectRoot, 'bin/node24.js')).href
const folder = mkdtempSync(join(tmpdir(), 'landfall-launcher-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let scripts = 0
function launch(script: string): {
  child: ChildProcess
  output: () => string
  ended: Promise<[number | null, string | null]>
} {
  const path = join(folder, `${scripts++}.mjs`)
  writeFileSync(path, script)
  const code = `import { handOver } from ${JSON.stringify(module)}; handOver(process.execPath, [${JSON.stringify(path)}])`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout!.on('data', (chunk) => (output += chunk))
  const ended = new Promise<[number | null, string | null]>((done) =>
    child.once('exit', (exit, signal) => done([exit, signal])),
  )
  return { child, output: () => output, ended }
}

const STAY = 'setInterval(() => {}, 1000)\n'

test('the exit code is passed on', async () => {
  expect(await launch('process.exit(7)').ended).toEqual([7, null])
})

test('a signal reaches the process behind, and its end by a signal is ours', async () => {
  const handled = launch(`${STAY}process.on('SIGTERM', () => process.exit(3)); console.log('up')`)
  await until('the start', () => handled.output().includes('up'))
  handled.child.kill('SIGTERM')
  expect(await handled.ended).toEqual([3, null])

  const dies = launch(`${STAY}console.log('up')`)
  await until('the start', () => dies.output().includes('up'))
  dies.child.kill('SIGTERM')
  expect(await dies.ended).toEqual([null, 'SIGTERM'])
})

test('kill -9 of the launcher is noticed by the process behind', async () => {
  const file = JSON.stringify(join(folder, 'noticed'))
  const launched = launch(
    `import { writeFileSync } from 'node:fs'\n${STAY}process.on('disconnect', () => { writeFileSync(${file}, 'x'); process.exit() }); console.log('up')`,
  )
  await until('the start', () => launched.output().includes('up'))
  launched.child.kill('SIGKILL')
  await until('the notice', () => {
    try {
      return execFileSync('cat', [JSON.parse(file)], { stdio: 'pipe' }).toString() === 'x'
    } catch {
      return false
    }
  })
})

test('the pinned Node is found from below, and only when it is new enough', async () => {
  const { findPinnedNode } = (await import(module)) as { findPinnedNode(from: string): string | undefined }
  const home = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`)
  const below = join(folder, 'a', 'b')
  mkdirSync(join(home, 'bin'), { recursive: true })
  mkdirSync(below, { recursive: true })
  writeFileSync(join(home, 'bin', 'node'), '')
  writeFileSync(join(home, 'package.json'), '{"version":"20.1.0"}')
  expect(findPinnedNode(below)).toBeUndefined()
  writeFileSync(join(home, 'package.json'), '{"version":"24.1.0"}')
  expect(findPinnedNode(below)).toBe(join(home, 'bin', 'node'))
})
