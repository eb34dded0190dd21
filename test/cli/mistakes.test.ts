import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { landfall } from './run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'landfall-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const data = join(folder, 'data')
const game = resolve(import.meta.dirname, '../../examples/game/pipeline.ts')

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const broken = file(
  'broken.ts',
  "import { definePipeline, Type } from 'landfall'\nexport default definePipeline({ name: 'x', events: { a: Type.Object({}) }, tables: { t: { events: ['b'] } } })\n",
)
const syntax = file('syntax.ts', 'export default {\n  name: = 1\n}\n')
const notOne = file('not-one.ts', 'export default 5\n')
const throwing = file('throwing.ts', 'const nothing = undefined\nexport default nothing.name\n')

const cases: [string, string[], number, RegExp][] = [
  ['an unknown command', ['tabels'], 2, /unknown command 'tabels'\n.*Did you mean tables\?/],
  ['an unknown flag', ['up', game, '--dta', 'x'], 2, /unknown option '--dta'\n.*Did you mean --data\?/],
  ['a missing argument', ['up'], 2, /missing required argument 'PIPELINE'/],
  [
    'a wrong address',
    ['up', game, '--http', 'nowhere'],
    2,
    /--http: expected HOST:PORT such as 127\.0\.0\.1:5000, found "nowhere"/,
  ],
  ['a wrong choice', ['up', game, '--log-format', 'xml'], 2, /Allowed choices are text, json/],
  [
    'a wrong number',
    ['simulate', game, '--events', 'many'],
    2,
    /--events: expected a whole number from 1 on, found "many"/,
  ],
  [
    'a wrong offset',
    ['watch', '--data', data, '--from', 'middle'],
    1,
    /there is no log in the data directory/,
  ],
  [
    'a report into a file',
    ['report', game, '--out', notOne],
    2,
    /the folder of the report .*not-one\.ts cannot be made: it is a file, or within one\. Name another with --out/,
  ],
  [
    'a report where no folder can be',
    ['report', game, '--out', '/proc/report'],
    2,
    /the folder of the report \/proc\/report cannot be made: .*ENOENT/,
  ],
  [
    'a file as data directory',
    ['up', game, '--data', notOne],
    2,
    /the data directory .*not-one\.ts cannot be made: it is a file, or within one\. Name another with --data/,
  ],
  ['no pipeline file', ['up', join(folder, 'none.ts'), '--data', data], 1, /there is no pipeline file/],
  [
    'another file as pipeline',
    ['check', 'package.json'],
    1,
    /package\.json is no module: expected a name that ends in \.ts/,
  ],
  ['a folder as pipeline', ['check', folder], 1, /is not a file/],
  ['a pipeline that breaks a rule', ['up', broken, '--data', data], 1, /tables\.t\.events/],
  ['a pipeline with a syntax error', ['up', syntax, '--data', data], 1, /syntax\.ts:2/],
  [
    'a file that is no pipeline',
    ['check', notOne],
    1,
    /the default export of .*not-one\.ts is a value of type number/,
  ],
  ['a pipeline that throws', ['check', throwing], 1, /throwing\.ts:2:\d+: TypeError/],
  ['no tables yet', ['tables', '--data', data], 1, /there is no lake in the data directory/],
  [
    'a setting of the pipeline that is none',
    [
      'check',
      file(
        'setting.ts',
        "import { definePipeline, Type } from 'landfall'\nexport default definePipeline({ name: 'x', events: { a: Type.Object({}) }, tables: { t: { events: ['a'] } }, settings: { lander: { batchAg: '1s' } } })\n",
      ),
    ],
    2,
    /settings\.lander\.batchAg of the pipeline: there is no such setting/,
  ],
  [
    'open to the network',
    ['up', game, '--data', data, '--http', '0.0.0.0:0', '--sql', '127.0.0.1:0'],
    1,
    /listening on 0\.0\.0\.0: source "default" has no write key/,
  ],
]

test.each(cases)('%s: one clear line', async (_what, args, code, message) => {
  const ended = await landfall(args)
  expect(ended.stderr).toMatch(message)
  expect(ended.stderr).not.toMatch(/\n\s+at /)
  const lines = ended.stderr
    .trim()
    .split('\n')
    .filter((line) => !/^\((Did you mean|--help)/.test(line))
  expect(lines.length, ended.stderr).toBe(1)
  expect(lines[0]).toMatch(/^landfall: /)
  expect(ended.code).toBe(code)
  expect(ended.stdout).toBe('')
})

test('a taken port names the port and the flag', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  const { port } = server.address() as AddressInfo
  const ended = await landfall([
    'up',
    game,
    '--data',
    data,
    '--http',
    `127.0.0.1:${port}`,
    '--sql',
    '127.0.0.1:0',
  ])
  const sql = `127.0.0.1:${port}`
  const asked = await landfall(['up', game, '--data', data, '--http', '127.0.0.1:0', '--sql', sql])
  server.close()
  for (const [{ stderr, code }, flag] of [
    [ended, '--http'],
    [asked, '--sql'],
  ] as const) {
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use.*${flag}`))
    expect(code).toBe(1)
  }
})

test('LANDFALL_DEBUG=1 shows where', async () => {
  const ended = await landfall(['check', notOne], { env: { LANDFALL_DEBUG: '1' } })
  expect(ended.stderr).toMatch(/\n\s+at /)
})

test('help and version are results: on stdout, exit code 0', async () => {
  const [help, version, nothing] = await Promise.all([
    landfall(['--help']),
    landfall(['--version']),
    landfall([]),
  ])
  expect(help).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Usage: landfall') })
  expect(version).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  expect(nothing).toMatchObject({ code: 0, stdout: help.stdout })
})

test('the first minute of the help is one of the starter pipeline', async () => {
  const { stdout } = await landfall(['--help'])
  const starter = join(folder, 'starter')
  expect(await landfall(['init', starter])).toMatchObject({ code: 0 })
  const pipeline = readFileSync(join(starter, 'pipeline.ts'), 'utf8')
  const [, route] = /curl http:\/\/127\.0\.0\.1:5000(\/\w+)\/\w+ /.exec(stdout)!
  const [, table] = /landfall sql "select \* from (\w+)"/.exec(stdout)!
  expect(pipeline).toContain(`'GET ${route}/:`)
  expect(pipeline).toContain(`    ${table}: { events: [`)
})
