import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Artifact, fileNameOf, provideArtifact, provideJars } from '../../src/stack/artifacts.ts'
import { type EngineCache, openEngineCache } from '../../src/stack/cache.ts'
import { execute } from '../../src/stack/execute.ts'
import { findJava } from '../../src/stack/java.ts'

const CONTENT = 'what the repository holds'
const sha256 = createHash('sha256').update(CONTENT).digest('hex')
const artifact = { coordinates: 'some.group:thing:1.2:jar:executable', sha256 }
let cache: EngineCache
let fetches: number

beforeEach(() => {
  cache = openEngineCache(() => {}, mkdtempSync(join(tmpdir(), 'landfall-test-')))
  fetches = 0
})
afterEach(() => rmSync(cache.directory, { recursive: true }))

const fetchOf = (content: string) => async (artifacts: readonly Artifact[], directory: string) => {
  fetches++
  for (const one of artifacts) writeFileSync(join(directory, fileNameOf(one)), content)
}
const provide = (content = CONTENT) => provideArtifact(cache, artifact, fetchOf(content))
const artifacts = () => join(cache.directory, 'artifacts')

test('an artifact is fetched once', async () => {
  const path = await provide()
  expect(path).toBe(join(artifacts(), 'thing-1.2-executable.jar'))
  expect(await provide()).toBe(path)
  expect([readFileSync(path, 'utf8'), fetches]).toEqual([CONTENT, 1])
  expect(readdirSync(cache.directory).sort()).toEqual(['artifacts', 'locks'])
})

test('a damaged one is fetched again, whatever its size', async () => {
  const path = await provide()
  appendFileSync(path, '!')
  expect(readFileSync(await provide(), 'utf8')).toBe(CONTENT)
  writeFileSync(path, CONTENT.replace('w', 'W'))
  utimesSync(path, 0, 0)
  expect(readFileSync(await provide(), 'utf8')).toBe(CONTENT)
  expect(fetches).toBe(3)
})

test('a good one without its stamp is checked and kept', async () => {
  const path = await provide()
  rmSync(`${path}.ok`)
  await provide()
  expect(fetches).toBe(1)
})

test('a foreign one never gets its name', async () => {
  await expect(provide('something else')).rejects.toThrow(`expected sha256 ${sha256}`)
  expect(readdirSync(artifacts())).toEqual([])
  expect(readdirSync(cache.directory).sort()).toEqual(['artifacts', 'locks'])
})

test('jars of several artifacts are one folder, which follows an artifact that was fetched again', async () => {
  const path = await provide()
  const folder = await provideJars(cache, 'things', [artifact])
  expect(readdirSync(folder)).toEqual(['thing-1.2-executable.jar'])
  writeFileSync(path, 'damaged in place')
  await provide()
  expect(await provideJars(cache, 'things', [artifact])).toBe(folder)
  expect(readFileSync(join(folder, 'thing-1.2-executable.jar'), 'utf8')).toBe(CONTENT)
})

test('a program that is not on this machine is named, with what to install', async () => {
  await expect(
    execute('fetching', 'no-such-program', [], { install: 'Install it so' }),
  ).rejects.toMatchObject({
    code: 'stack/missing',
    message: 'fetching needs no-such-program, which is not on this machine',
    hint: 'Install it so',
  })
})

test('no Java of an impossible version, and the reason says what is here', () => {
  expect(findJava({ min: 900 })).toEqual({ missing: expect.stringMatching(/^no Java 900 or newer \(here: /) })
})

test('what a killed fetch left is removed a day later, and not while it may be under way', () => {
  const [old, young] = ['fetch-old', 'fetch-young'].map((name) => join(cache.directory, name)) as [
    string,
    string,
  ]
  for (const folder of [old, young]) mkdirSync(folder)
  utimesSync(old, 0, 0)
  openEngineCache(() => {}, cache.directory)
  expect([existsSync(old), existsSync(young)]).toEqual([false, true])
})
