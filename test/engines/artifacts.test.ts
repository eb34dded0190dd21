import { createHash } from 'node:crypto'
import {
  appendFileSync,
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
import { provideArtifact } from './artifacts.ts'
import { findJava } from './java.ts'

const CONTENT = 'what the repository holds'
const artifact = {
  coordinates: 'some.group:thing:1.2:jar:executable',
  sha256: createHash('sha256').update(CONTENT).digest('hex'),
}
let cache: string
let fetches: number

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'landfall-test-'))
  fetches = 0
})
afterEach(() => rmSync(cache, { recursive: true }))

const fetchOf = (content: string) => async (_coordinates: string, directory: string) => {
  fetches++
  writeFileSync(join(directory, 'thing'), content)
  return join(directory, 'thing')
}
const provide = (content = CONTENT) => provideArtifact(cache, artifact, fetchOf(content))

test('an artifact is fetched once', async () => {
  const path = await provide()
  expect(path).toBe(join(cache, 'artifacts/thing-1.2-executable.jar'))
  expect(await provide()).toBe(path)
  expect([readFileSync(path, 'utf8'), fetches]).toEqual([CONTENT, 1])
  expect(readdirSync(cache)).toEqual(['artifacts'])
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
  await expect(provide('something else')).rejects.toThrow(`expected sha256 ${artifact.sha256}`)
  expect(readdirSync(join(cache, 'artifacts'))).toEqual([])
  expect(readdirSync(cache)).toEqual(['artifacts'])
})

test('no Java of an impossible version, and the reason says what is here', () => {
  expect(findJava({ min: 900 })).toEqual({ missing: expect.stringMatching(/^no Java 900 or newer \(here: /) })
})
