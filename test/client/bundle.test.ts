import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const folder = new URL('../../src/client/', import.meta.url)

/** Import statements that remain when types are stripped. */
function runtimeImports(source: string): string[] {
  const statements = source.matchAll(
    /^\s*(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm,
  )
  return Array.from(statements, (match) => match[1]!)
}

test('the client imports nothing but its own files, so a browser can load it as it is', async () => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts'))
  expect(names).toContain('client.ts')
  for (const name of names) {
    const source = await readFile(new URL(name, folder), 'utf8')
    expect(source, name).not.toMatch(/\bimport\(|\brequire\(/)
    for (const path of runtimeImports(source))
      expect(path, `${name} imports ${path}`).toMatch(/^\.\/[a-z-]+\.ts$/)
  }
  expect(runtimeImports(`import 'node:fs'\nimport type { A } from 'typebox'\nexport { b } from "c"`)).toEqual(
    ['node:fs', 'c'],
  )
})
