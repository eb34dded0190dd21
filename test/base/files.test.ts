import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeFolder } from '../../src/base/files.ts'
import { temporaryFolder } from '../support/landfall.ts'

test('folders are made with those above them, and the first that was made is told', () => {
  const root = temporaryFolder()
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  expect(makeFolder(join(root, 'a', 'b', 'c'))).toBe(join(root, 'a'))
  expect(existsSync(join(root, 'a', 'b', 'c'))).toBe(true)
  expect(makeFolder(join(root, 'a', 'b'))).toBeUndefined()
  writeFileSync(join(root, 'file'), '')
  expect(() => makeFolder(join(root, 'file'))).toThrow(/EEXIST/)
  expect(() => makeFolder(join(root, 'file', 'x'))).toThrow(/ENOTDIR/)
})

test('a folder that nobody can make is an error, and no endless try', () => {
  expect(() => makeFolder('/proc/landfall')).toThrow()
  expect(() => makeFolder('/proc/landfall/below')).toThrow()
})
