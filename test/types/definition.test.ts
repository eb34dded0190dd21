import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const project = mkdtempSync(join(tmpdir(), 'landfall-types-'))
mkdirSync(join(project, 'node_modules'))
symlinkSync(root, join(project, 'node_modules', 'landfall'))
symlinkSync(join(root, 'node_modules', '@types'), join(project, 'node_modules', '@types'))
writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
writeFileSync(
  join(project, 'tsconfig.json'),
  JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['pipeline.ts'] }),
)
afterAll(() => rmSync(project, { recursive: true, force: true }))

/** The compiler's words about a pipeline file in a project of its own that has landfall installed. */
function compile(file: string): string {
  writeFileSync(join(project, 'pipeline.ts'), file)
  try {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    execFileSync(process.execPath, [tsc, '--noEmit', '-p', project], { encoding: 'utf8', stdio: 'pipe' })
    return ''
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout)
  }
}

const file = (event: string, properties: string, listed: string) => `
import { definePipeline, Type } from 'landfall'
export default definePipeline({
  name: 'shop',
  events: { purchase: Type.Object({ type: Type.String(), cost: Type.Integer() }) },
  routes: {
    'GET /buy/:name': ({ params: { name } }, { track }) => {
      track('${event}', { type: name, cost: 1 })
      track('purchase', ${properties})
      return name
    },
  },
  tables: { purchases: { events: ['${listed}'] } },
})
`

test('a right pipeline file compiles in a project that has landfall installed', () => {
  expect(compile(file('purchase', '{ type: name, cost: 1 }', 'purchase'))).toBe('')
}, 120_000)

test('a misspelt event or property, in track() or in a table, does not compile', () => {
  const errors = compile(file('purchas', '{ typ: name, cost: 1 }', 'purchas'))
  expect(errors).toMatch(/pipeline\.ts\(8,\d+\): error TS2345: .*"purchas"/)
  expect(errors).toMatch(/pipeline\.ts\(9,\d+\): error .*'typ'/)
  expect(errors).toMatch(/pipeline\.ts\(13,\d+\): error .*"purchas"/)
}, 120_000)
