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
