import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { lockDirectory } from '../../src/base/lock.ts'
import { findJava } from '../../src/stack/java.ts'
import { projectRoot, temporaryFolder } from '../support/landfall.ts'

const folder = temporaryFolder()
const data = join(folder, 'stack')
afterAll(() => rmSync(folder, { recursive: true }))

/** A machine that has Node, and nothing that fetches. */
const bin = join(folder, 'bin')
mkdirSync(bin)
symlinkSync(process.execPath, join(bin, 'node'))

function stack(args: string[], environment: Record<string, string> = {}) {
  const java = findJava({ min: 17, max: 21 })
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(projectRoot, 'bin/landfall.js'), 'stack', ...args, '--data', data],
    {
      encoding: 'utf8',
      env: {
        PATH: bin,
        HOME: folder,
        ...(typeof java === 'string' && { JAVA_HOME: dirname(dirname(java)) }),
        ...environment,
      },
    },
  )
  return { status, stdout, stderr }
}

test('a name that is no engine, and no name at all, are mistakes of the command line', () => {
  expect(stack(['up', 'zookeeper'])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(
      /^landfall: config\/usage: there is no engine "zookeeper"\. There are kafka, .*\n$/,
    ),
  })
  expect(stack(['up'])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(
      /^landfall: config\/usage: no engine was named\. Give --all, or some of kafka, .*\n$/,
    ),
  })
})

test('what is not on the machine is told in one line, with what to install', () => {
  for (const [engine, program] of [
    ['s3', 'python3'],
    ['kafka', 'mvn'],
  ] as const)
    expect(stack(['up', engine, '--json'])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(
          `^landfall: stack/missing: [^\\n]* needs ${program}, which is not on this machine\\. Install [^\\n]*\\n$`,
        ),
      ),
    })
})

test('a cache that cannot be written is told with the variable that moves it', () => {
  expect(stack(['up', 'kafka'], { LANDFALL_ENGINES: '/dev/null/engines' })).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /^landfall: stack\/cache: .* Set LANDFALL_ENGINES to a directory that can\n$/,
    ),
  })
})

test('two that start or stop in one directory do not meet', () => {
  mkdirSync(data, { recursive: true })
  const lock = lockDirectory(data, 'the stack')
  try {
    expect(stack(['down'])).toMatchObject({ status: 1, stderr: expect.stringContaining('stack/busy') })
  } finally {
    lock.release()
  }
})

test('nothing there: status says so and fails, down has nothing to do', () => {
  expect(stack(['status'])).toMatchObject({ status: 1, stdout: `no engine in ${data}\n` })
  expect(stack(['down', '--json'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('"stopped": []'),
  })
})
