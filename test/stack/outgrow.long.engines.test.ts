/** The commands of docs/guide/outgrow.md, as they stand, section by section, in an empty folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadEngine } from '../../src/stack/engines.ts'
import { orMissing } from '../engines/artifacts.ts'
import { engineCache } from '../engines/cache.ts'
import { keep } from '../engines/shared-engine.ts'
import { projectRoot, temporaryFolder, until } from '../support/landfall.ts'

const SECTION_MAX_MS = 400_000
const guide = readFileSync(join(projectRoot, 'docs/guide/outgrow.md'), 'utf8')
const folder = temporaryFolder()
const stack = join(folder, 'stack')
const cache = engineCache()

mkdirSync(join(folder, 'bin'))
mkdirSync(join(folder, 'node_modules'))
mkdirSync(stack)
keep(stack)
symlinkSync(projectRoot, join(folder, 'node_modules/landfall'))
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
const shim = `#!/bin/sh\nexec "${process.execPath}" "${join(projectRoot, 'bin/landfall.js')}" "$@"\n`
writeFileSync(join(folder, 'bin/landfall'), shim, { mode: 0o755 })
const started = readFileSync(join(projectRoot, 'docs/guide/getting-started.md'), 'utf8')
writeFileSync(join(folder, 'pipeline.ts'), /^```ts\n([\s\S]*?)^```/m.exec(started)![1]!)

/** `export` lines hold for what comes after them, as in a shell. */
const environment: Record<string, string> = {
  ...(process.env as Record<string, string>),
  PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
  LANDFALL_ENGINES: cache.directory,
  LANDFALL_STACK: stack,
}
const stages = new Set<ChildProcess>()
const GREETING = /landfall is up|the door is open|the lander lands|SQL is served/

function start(line: string): { child: ChildProcess; output: () => string; ended: Promise<number | null> } {
  const options = { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] as const }
  const child = spawn('sh', ['-c', line.startsWith('landfall') ? `exec ${line}` : line], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (output += text))
  return { child, output: () => output, ended: new Promise((resolve) => child.once('close', resolve)) }
}

/** Runs a line to its end, or, when it stays, until it says that it is there. */
async function runLine(line: string): Promise<string> {
  const forgotten = /^unset (.*)$/.exec(line)?.[1]
  for (const name of forgotten?.split(' ') ?? []) delete environment[name]
  if (forgotten !== undefined) return ''
  const variables = /^export (.*)$/.exec(line)?.[1]
  if (variables !== undefined) {
    for (const [, name, value] of variables.matchAll(/(\w+)=('[^']*'|\S+)/g))
      environment[name!] = value!.replace(/^'(.*)'$/, '$1')
    return ''
  }
  const { child, output, ended } = start(line)
  if (!/^landfall (up|collect|land|query) /.test(line) || line.includes('--once')) {
    const code = await ended
    if (code !== 0) throw new Error(`${line} ended with ${code}: ${output()}`)
    return output()
  }
  stages.add(child)
  void ended.then(() => stages.delete(child))
  await until(
    line,
    () => {
      if (!stages.has(child)) throw new Error(`${line} ended: ${output()}`)
      return GREETING.test(output())
    },
    60_000,
  )
  return output()
}

/** Ctrl-C. */
async function stopStages(): Promise<void> {
  const all = [...stages]
  for (const child of all) child.kill('SIGINT')
  await until('the end of the stages', () => all.every((child) => !stages.has(child)), 60_000)
}

async function runSection(title: string): Promise<string> {
  const section = guide.split(/^## /m).find((text) => text.startsWith(title))!
  let output = ''
  try {
    for (const [, block] of section.matchAll(/^```sh\n([\s\S]*?)^```/gm))
      for (const line of block!.trim().split('\n')) output = await runLine(line)
  } finally {
    await stopStages()
  }
  return output
}

async function missing(...names: string[]): Promise<string | undefined> {
  for (const name of names) {
    const found = await orMissing(async () => (await loadEngine(name)).provide(cache))
    if ('missing' in found) return found.missing
  }
  return undefined
}

afterAll(async () => {
  await stopStages()
  await runLine('landfall stack down --remove-data')
}, SECTION_MAX_MS)

const SECTIONS: [title: string, engines: string[], shows: RegExp][] = [
  ['Before', [], /\b1\b/],
  ['1. The log in Kafka', ['kafka'], /"accepted":\s*1/],
  ['2. Tables', ['kafka', 'versitygw', 'iceberg-rest'], /\b1\b/],
  ['3. Several doors', ['kafka', 'versitygw', 'iceberg-rest'], /ucbears\s+\|\s+1/],
  ['4. Questions to Trino', ['trino'], /grubs\s+\|\s+2/],
  ['5. Spark', ['spark'], /joestars\s+\|\s+1/],
  ['6. On Hadoop', ['hdfs', 'hive'], /\b1\b/],
  ['Going back', ['kafka'], /\b1\b/],
]

test.for(SECTIONS)('%s', { timeout: SECTION_MAX_MS }, async ([title, engines, shows], { skip }) => {
  const reason = await missing(...engines)
  if (reason !== undefined) return skip(reason)
  expect(await runSection(title)).toMatch(shows)
})

test('every section of the guide with commands is run here', () => {
  const titled = guide
    .split(/^## /m)
    .slice(1)
    .filter((text) => text.includes('```sh\n'))
  for (const text of titled) expect(SECTIONS.some(([title]) => text.startsWith(title))).toBe(true)
})
