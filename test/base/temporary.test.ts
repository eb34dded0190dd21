import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { makeTemporary } from '../../src/base/temporary.ts'

let system: string
beforeEach(async () => {
  system = await mkdtemp(join(tmpdir(), 'landfall-temporary-'))
  vi.stubEnv('TMPDIR', system)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(system, { recursive: true, force: true })
})

/** As if nothing had happened in it for two minutes. */
const age = (path: string) => utimesSync(path, Date.now() / 1000 - 120, Date.now() / 1000 - 120)

/** The directory of another process, which is there until it is killed. */
async function ofAnother() {
  const file = resolve(import.meta.dirname, '../../src/base/temporary.ts')
  const script = `import { makeTemporary } from ${JSON.stringify(file)}
console.log((await makeTemporary('test')).path)
setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  const kill = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { path: String(line).trim(), kill }
}

test('a temporary directory is there until it is given back', async () => {
  const made = await makeTemporary('test')
  writeFileSync(join(made.path, 'rows'), 'some')
  expect(made.path.startsWith(join(system, 'landfall-test-'))).toBe(true)
  await made[Symbol.asyncDispose]()
  expect(existsSync(made.path)).toBe(false)
})

test('what a killed process has left goes with the next of its kind, and what lives stays', async () => {
  const [dead, alive] = [await ofAnother(), await ofAnother()]
  try {
    await using own = await makeTemporary('test')
    writeFileSync(join(dead.path, 'spilled'), 'some')
    await dead.kill()
    for (const { path } of [dead, alive, own]) age(path)
    await using other = await makeTemporary('other')
    expect(existsSync(dead.path)).toBe(true)
    await using next = await makeTemporary('test')
    expect([dead, alive, own, other, next].map(({ path }) => existsSync(path))).toEqual([
      false,
      true,
      true,
      true,
      true,
    ])
  } finally {
    await alive.kill()
  }
})

test('what is young, without a lock, or no directory of ours is left alone', async () => {
  const dead = await ofAnother()
  await dead.kill()
  const without = join(system, 'landfall-test-without')
  mkdirSync(without)
  age(without)
  const elsewhere = join(system, 'elsewhere')
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'lock'), '')
  age(elsewhere)
  symlinkSync(elsewhere, join(system, 'landfall-test-link'))
  await using made = await makeTemporary('test')
  expect([dead.path, without, join(elsewhere, 'lock'), made.path].map((path) => existsSync(path))).toEqual([
    true,
    true,
    true,
    true,
  ])
})
