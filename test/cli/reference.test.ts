import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { cliReference, settingsReference } from '../../src/cli/reference.ts'

const page = (name: string) => resolve(import.meta.dirname, '../../docs/reference', name)

// `npx vitest run test/cli/reference.test.ts -u` writes the pages anew.
test('docs/reference/cli.md is what --help prints', async () => {
  await expect(cliReference()).toMatchFileSnapshot(page('cli.md'))
})

test('docs/reference/settings.md is the table of settings', async () => {
  await expect(settingsReference()).toMatchFileSnapshot(page('settings.md'))
})

test('commands that our texts tell people to run are there', () => {
  const commands = [...cliReference().matchAll(/^##+ (landfall .+)$/gm)].map(([, command]) => command!)
  const told = globSync('src/**/*.ts').flatMap((file) =>
    Array.from(
      readFileSync(file, 'utf8').matchAll(/["`](landfall (?!is )[a-z-]+(?: [a-z]+)?)[^a-z]/g),
      ([, command]) => ({ file, command: command! }),
    ),
  )
  expect(told.length).toBeGreaterThan(20)
  const isThere = (command: string) =>
    commands.includes(command) || commands.includes(command.split(' ').slice(0, 2).join(' '))
  expect(told.filter(({ command }) => !isThere(command))).toEqual([])
})
