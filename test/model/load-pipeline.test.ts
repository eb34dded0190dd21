import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
let project: string

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'landfall-load-'))
  await mkdir(join(project, 'node_modules'))
  await symlink(root, join(project, 'node_modules', 'landfall'))
  await write('package.json', '{ "type": "module" }')
  await write(
    'load.ts',
    `import { loadPipelineFile } from ${JSON.stringify(join(root, 'src/model/load-pipeline.ts'))}
    for (const path of process.argv.slice(2)) {
      const said = await loadPipelineFile(path).then((p) => 'made ' + p.compiled.name, (e) => e.kind + ' ' + e.code + ' ' + e.message + ' · ' + e.hint)
      console.log(said)
    }`,
  )
})
afterAll(() => rm(project, { recursive: true, force: true }))

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(project, name)), { recursive: true })
  await writeFile(join(project, name), text)
}

/** What loading says about each file, in a process of its own that runs TypeScript as a user's does. */
function load(...names: string[]): string[] {
  const { stdout } = spawnSync(process.execPath, ['load.ts', ...names], { cwd: project, encoding: 'utf8' })
  return stdout.trim().split('\n')
}

const good = `import { definePipeline, Type } from 'landfall'
export default definePipeline({ name: 'good', events: { e: Type.Object({}) }, tables: {} })`

test('a TypeScript or JavaScript file of a project is loaded as it stands', async () => {
  await write('good.ts', `${good.replace("'good'", "'good' as string")}\n`)
  await write('good.js', good)
  expect(load('good.ts', join(project, 'good.ts'), './good.js')).toEqual([
    'made good',
    'made good',
    'made good',
  ])
})

/** file · its text · what is said */
const wrong: [string, string, RegExp][] = [
  [
    'enum.ts',
    'export enum Kind { A }\nexport default 1\n',
    /^fix-config model\/pipeline-syntax enum\.ts:1:8: TypeScript enum .*union of texts/,
  ],
  [
    'syntax.ts',
    'const a = 1\nexport default { a: 1,, }\n',
    /^fix-config model\/pipeline-syntax syntax\.ts:2:\d+: /,
  ],
  [
    'syntax.js',
    'const a = 1\nexport default { a: 1,, }\n',
    /^fix-config model\/pipeline-syntax syntax\.js:2:\d+: /,
  ],
  [
    'nested.ts',
    "import './syntax.ts'\nexport default 1\n",
    /^fix-config model\/pipeline-syntax syntax\.ts:2:\d+: /,
  ],
  [
    'package.ts',
    "import 'no-such-package'\nexport default 1\n",
    /^fix-config model\/pipeline-import .*no-such-package.*npm install no-such-package/,
  ],
  [
    'relative.ts',
    "import './nothing.ts'\nexport default 1\n",
    /^fix-config model\/pipeline-import .*nothing\.ts.*ending/,
  ],
  [
    'named.ts',
    "import { nothing } from 'node:fs'\nexport default nothing\n",
    /^fix-config model\/pipeline-syntax named\.ts:1:\d+: .*'nothing'/,
  ],
  [
    'throws.ts',
    '\nexport default (undefined as any).a\n',
    /^fix-config model\/pipeline-threw throws\.ts:2:\d+: TypeError/,
  ],
  ['text.ts', "throw 'a text'\n", /^fix-config model\/pipeline-threw text\.ts threw "a text"/],
  [
    'no-default.ts',
    'export const pipeline = 1\n',
    /^fix-config model\/no-pipeline no-default\.ts has no default export.*export default definePipeline/,
  ],
  [
    'plain.ts',
    "export default { name: 'plain' }\n",
    /^fix-config model\/no-pipeline .*plain\.ts is a value of type object/,
  ],
  ['null.ts', 'export default null\n', /^fix-config model\/no-pipeline .*null\.ts is null/],
  [
    'refused.ts',
    good.replace('{}) },', "{}) }, subject: 'x',"),
    /^fix-config model\/unknown-field subject: /,
  ],
  ['folder/pipeline.ts', good, /^made good$/],
]

test('every fault of a file is one line that names the place and the remedy', async () => {
  for (const [name, text] of wrong) await write(name, text)
  const said = load(...wrong.map(([name]) => name), 'missing.ts', 'folder')
  expect(said).toHaveLength(wrong.length + 2)
  for (const [i, [, , words]] of wrong.entries()) expect(said[i]).toMatch(words)
  expect(said.at(-2)).toMatch(/^fix-config model\/pipeline-not-found there is no pipeline file missing\.ts/)
  expect(said.at(-1)).toMatch(
    /^fix-config model\/pipeline-not-found folder is not a file .*folder\/pipeline\.ts/,
  )
})
