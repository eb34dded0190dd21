/** The hook itself: what it counts, and that its faults are those of the plan. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { installHook } from './hook.ts'
import type { FaultPlan } from './plan.ts'

const root = mkdtempSync(join(tmpdir(), 'landfall-hook-'))
const traceFile = join(tmpdir(), `${root.split('/').at(-1)}.trace`)
const hook = await installHook({ root, faults: [], trace: traceFile })
// After the hook, as in a child: what they take from node:fs is what it has put there.
const { createFile, makeDirectory, replaceFile } = await import('../../src/base/files.ts')
const { nodeFiles, writeAll } = await import('../../src/log/drivers/embedded/files.ts')

afterAll(() => {
  rmSync(root, { recursive: true })
  rmSync(traceFile)
})

/** Steps since the last call, as `step path`. */
let stepsSeen = 0
const steps = (): string[] => {
  hook.trace!.flush()
  const names = new Map<number, string>()
  const all = readFileSync(traceFile, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const step = JSON.parse(line) as { step: string; id: number; path?: string }
      if (step.path !== undefined) names.set(step.id, step.path)
      const path = (step.path ?? names.get(step.id) ?? '').replace(/\.\d+\.[0-9a-f]{8}\.tmp$/, '.tmp')
      return `${step.step} ${path}`
    })
  return all.slice(stepsSeen, (stepsSeen = all.length))
}

test('what the product does to files is counted and recorded, in its order', async () => {
  await makeDirectory(join(root, 'a', 'b'))
  expect(steps()).toEqual(['mkdir a', 'mkdir a/b', 'open a', 'sync a', 'open .', 'sync .'])
  await replaceFile(join(root, 'a', 'file'), 'one')
  expect(steps()).toEqual([
    'open a/file.tmp',
    'write a/file.tmp',
    'sync a/file.tmp',
    'rename a/file',
    'open a',
    'sync a',
  ])
  expect(await createFile(join(root, 'a', 'file'), 'two')).toBe(false)
  expect(steps()).toEqual(['open a/file.tmp', 'write a/file.tmp', 'sync a/file.tmp', 'unlink a/file.tmp'])
  const fd = await nodeFiles.create(join(root, 'log'))
  writeAll(nodeFiles, fd, Buffer.from('frame'), 0)
  await nodeFiles.writeBehind(fd, Buffer.from('zeros'), 5)
  await new Promise((done) => nodeFiles.datasync(fd, done))
  await nodeFiles.truncate(fd, 7)
  await nodeFiles.close(fd)
  expect(steps()).toEqual(['open log', 'write log', 'write log', 'sync log', 'truncate log'])
  expect(readFileSync(join(root, 'log'), 'utf8')).toBe('framezeros'.slice(0, 7))
})

test('a fault meets the operations that it names, and no others', async () => {
  const path = join(root, 'meets')
  hook.fates.faults = [{ at: 2, count: 2, kinds: ['sync'], path: 'meets', act: { error: 'EIO' } }]
  const outcomes: string[] = []
  for (let i = 0; i < 5; i++) {
    const fd = await nodeFiles.create(path)
    outcomes.push(
      await nodeFiles.sync(fd).then(
        () => 'ok',
        (error: NodeJS.ErrnoException) => error.code!,
      ),
    )
    await nodeFiles.close(fd)
  }
  hook.fates.faults = []
  expect(outcomes).toEqual(['ok', 'EIO', 'EIO', 'ok', 'ok'])
})

test('a short write is gone on with, a torn one fails with half of its bytes there', async () => {
  const fd = await nodeFiles.create(join(root, 'short'))
  hook.fates.faults = [{ at: 1, kinds: ['write'], act: { short: true } }]
  writeAll(nodeFiles, fd, Buffer.from('0123456789'), 0)
  hook.fates.faults = [{ at: 1, kinds: ['write'], act: { error: 'ENOSPC', half: true } }]
  expect(() => writeAll(nodeFiles, fd, Buffer.from('abcd'), 10)).toThrow('ENOSPC')
  hook.fates.faults = []
  await nodeFiles.close(fd)
  expect(readFileSync(join(root, 'short'), 'utf8')).toBe('0123456789ab')
})

const KILLED = `
  const { writeFile, rename } = await import('node:fs/promises')
  const root = process.argv[1]
  await writeFile(root + '/one', 'first of all')
  await rename(root + '/one', root + '/two')
  await writeFile(root + '/one', 'second')
`

for (const [at, moment, found] of [
  [1, 'before', { one: null, two: null }],
  [1, 'half', { one: 'first ', two: null }],
  [1, 'after', { one: 'first of all', two: null }],
  [2, 'before', { one: 'first of all', two: null }],
  [2, 'after', { one: null, two: 'first of all' }],
  [3, 'half', { one: 'sec', two: 'first of all' }],
] as const) {
  test(`killed ${moment} operation ${at}`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'landfall-hook-'))
    const report = `${directory}.report`
    const plan: FaultPlan = { root: directory, report, faults: [{ at, act: { kill: moment } }] }
    const child = spawnSync(
      process.execPath,
      ['--import', join(import.meta.dirname, 'hook.ts'), '--input-type=module', '-e', KILLED, directory],
      { env: { ...process.env, LANDFALL_FAULTS: JSON.stringify(plan) }, encoding: 'utf8' },
    )
    expect(child.signal, child.stderr).toBe('SIGKILL')
    const read = (name: string) => {
      try {
        return readFileSync(join(directory, name), 'utf8')
      } catch {
        return null
      }
    }
    expect({ one: read('one'), two: read('two') }).toEqual(found)
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ number: at, moment, phase: '' })
    rmSync(directory, { recursive: true })
    rmSync(report)
  })
}
