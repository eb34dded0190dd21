/** What the command line looks like: to a person at a terminal, in a pipe, and to a machine. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Command } from 'commander'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createProgram } from '../../src/cli/main.ts'
import { openProgress } from '../../src/cli/progress.ts'
import { barStyle, styleOf } from '../../src/cli/style.ts'
import { formatTable, width } from '../../src/cli/table.ts'
import { projectRoot, startLandfall, temporaryFolder } from '../support/landfall.ts'
import { landfall } from './run-cli.ts'

const GAME = 'examples/game/pipeline.ts'
const data = temporaryFolder()
let eventId = ''

beforeAll(async () => {
  const running = await startLandfall(GAME, { data, readyMs: 180_000 })
  for (const path of ['/', '/purchase_a_sword/sabre', '/join_guild/grubs']) {
    eventId = (await fetch(running.http + path)).headers.get('landfall-event-id')!
  }
  await fetch(`${running.http}/v1/events`, { method: 'POST', body: '{"event_type":"nobody knows"}' })
  await running.stop()
}, 300_000)
afterAll(() => rmSync(data, { recursive: true, force: true }))

/** Stays until it is stopped, and tells machines what happens by `--log-format json`. */
const WITHOUT_RESULT = ['up', 'collect', 'query', 'stack', 'deadletters', 'demo', 'help', 'report']

function leaves(command: Command, path: string[] = []): { path: string; command: Command }[] {
  const here = path.length === 0 ? [] : [{ path: path.join(' '), command }]
  return [...here, ...command.commands.flatMap((child) => leaves(child, [...path, child.name()]))]
}

test('every command that has a result gives it as JSON, too', () => {
  const without = leaves(createProgram())
    .filter(({ path }) => !WITHOUT_RESULT.includes(path))
    .filter(({ command }) => !command.options.some(({ long }) => long === '--json'))
  expect(without.map(({ path }) => path)).toEqual([])
})

const ONE_DOCUMENT: [string, () => string[]][] = [
  ['tables', () => ['tables']],
  ['describe', () => ['describe', 'purchases']],
  ['files', () => ['files']],
  ['ledger', () => ['ledger']],
  ['ledger --commits', () => ['ledger', '--commits', '--recount']],
  ['why', () => ['why', eventId]],
  ['topics', () => ['topics']],
  ['deadletters', () => ['deadletters']],
  ['check', () => ['check', GAME]],
  ['sql', () => ['sql', 'select event_type, count(*) from events group by 1']],
  ['status', () => ['status']],
  ['verify', () => ['verify']],
  ['land --once', () => ['land', GAME, '--once']],
]

test.for(ONE_DOCUMENT)(
  '%s --json prints one document and nothing else to stdout',
  {
    timeout: 60_000,
  },
  async ([, args]) => {
    const ended = await landfall([...args(), '--json', '--data', data], { env: { FORCE_COLOR: '1' } })
    expect(ended.stdout, ended.stderr).not.toBe('')
    expect(typeof JSON.parse(ended.stdout)).toBe('object')
    expect(ended.stderr).not.toMatch(/^\s*at /m)
  },
)

test('commands without a data directory, too', async () => {
  const folder = temporaryFolder()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const parsed = async (...args: string[]) => JSON.parse((await landfall([...args, '--json'])).stdout)
  expect(await parsed('settings')).toBeInstanceOf(Array)
  expect(await parsed('init', join(folder, 'game'))).toMatchObject({
    files: ['pipeline.ts', 'package.json', 'tsconfig.json'],
  })
  expect(await parsed('user', 'alice', '--sql-users', join(folder, 'users'))).toMatchObject({
    user: 'alice',
    token: expect.stringMatching(/^[\w-]{43}$/),
  })
  expect(await parsed('stack', 'status', '--data', folder)).toBeInstanceOf(Object)
})

test('watch prints one document per line', async () => {
  const { stdout } = await landfall(['watch', '--exit', '--json', '--data', data])
  const lines = stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(4)
  for (const line of lines) expect(JSON.parse(line)).toHaveProperty('offset')
}, 60_000)

/** A command line in a terminal of so many columns, as `script` gives it one. */
function atTerminal(args: readonly string[], columns: number, env: NodeJS.ProcessEnv = {}): string {
  const quoted = [process.execPath, join(projectRoot, 'bin', 'landfall.js'), ...args].map(
    (word) => `'${word}'`,
  )
  const { stdout } = spawnSync('script', ['-qec', `stty cols ${columns}; ${quoted.join(' ')}`, '/dev/null'], {
    cwd: projectRoot,
    encoding: 'utf8',
    env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: '', FORCE_COLOR: '', ...env },
  })
  return stdout.replaceAll('\r\n', '\n')
}

const ESCAPE = '\u001b['
const plain = stripVTControlCharacters

test('a terminal that is wide enough shows a table, a narrow one a block per row, and no line is broken', () => {
  const wide = plain(atTerminal(['tables', '--data', data], 140))
  expect(wide).toMatch(/^ Table +\| Rows \|/m)
  const usual = plain(atTerminal(['tables', '--data', data], 80))
  expect(usual).toMatch(/^ Table +\| Rows \| Files \| Bytes +\| Committed/m)
  for (const line of usual.split('\n')) expect(width(line), line).toBeLessThanOrEqual(80)
  const narrow = plain(atTerminal(['tables', '--data', data], 50))
  expect(narrow).toMatch(/^-\[ RECORD 1 \]-*\nTable +\| dead_letters\nRows +\| 1$/m)
  for (const line of narrow.split('\n')) expect(width(line), line).toBeLessThanOrEqual(50)
  const sql = plain(atTerminal(['sql', '--data', data, 'select raw_event, host from purchases'], 60))
  expect(sql).toMatch(/^-\[ RECORD 1 \]-*\nraw_event +\| \{"event_type":"purchase_sword"/m)
}, 60_000)

test('colours are on a terminal only, and not where NO_COLOR or a dumb terminal says so', () => {
  const args = ['tables', '--data', data]
  expect(atTerminal(args, 140)).toContain(ESCAPE)
  expect(atTerminal(args, 140, { NO_COLOR: '1' })).not.toContain(ESCAPE)
  expect(atTerminal(args, 140, { TERM: 'dumb' })).not.toContain(ESCAPE)
  expect(styleOf({ isTTY: false }, {}).red('x')).toBe('x')
  expect(styleOf({ isTTY: false }, { FORCE_COLOR: '1' }).red('x')).toBe('\u001b[31mx\u001b[39m')
  expect(styleOf({ isTTY: true }, { FORCE_COLOR: '1', NO_COLOR: '1' }).red('x')).toBe('x')
}, 60_000)

/** A stream that keeps what is written to it. */
function screen(columns?: number) {
  let text = ''
  const stream = { isTTY: columns !== undefined, columns, write: (more: string) => ((text += more), true) }
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text }
}

test.for([20, 30, 50, 80, 200])('a bar keeps within %d columns and ends its line', (columns) => {
  const { stream, text } = screen(columns)
  const progress = openProgress('landing', 120_000, { stream })
  progress.update(60_000, () => 'p99 1.2 ms')
  progress.end()
  progress.end()
  const lines = plain(text()).split('\r').filter(Boolean)
  expect(lines.length).toBe(2)
  for (const line of lines) expect(width(line.trimEnd()), line).toBeLessThan(columns)
  expect(text().endsWith('\n')).toBe(true)
  if (columns >= 80) expect(lines[0]).toMatch(/^landing [█#]{15}[░-]{15} 60000\/120000 .*p99 1\.2 ms$/)
})

test('in a pipe progress is a few plain lines, and without a total its end', () => {
  const known = screen()
  const bar = openProgress('rows', 1000, { stream: known.stream })
  for (let done = 0; done <= 1000; done++) bar.update(done)
  bar.update(1000)
  bar.end()
  expect(known.text()).toBe('rows 250/1000\nrows 500/1000\nrows 750/1000\nrows 1000/1000\n')
  const unknown = screen()
  const count = openProgress('history', undefined, { stream: unknown.stream, of: 'bytes' })
  count.update(1536)
  count.end()
  expect(unknown.text()).toBe('history 1.5 KiB\n')
})

test('what is counted stands behind the numbers, and a bar that nothing moved is not drawn', () => {
  const pipe = screen()
  const lines = openProgress('landing', 10, { stream: pipe.stream, of: 'records' })
  lines.update(10)
  lines.end()
  expect(pipe.text()).toBe('landing 10/10 records\n')
  const terminal = screen(80)
  const bar = openProgress('landing', 10, { stream: terminal.stream, of: 'records' })
  bar.update(5)
  bar.end()
  expect(plain(terminal.text())).toContain(' 5/10 records ')
  const unmoved = screen(80)
  openProgress('landing', 10, { stream: unmoved.stream }).end()
  expect(unmoved.text()).toBe('')
})

test('bars are ASCII where the locale is', () => {
  expect(barStyle({ LANG: 'C' })).toEqual({ filled: '#', empty: '-' })
  expect(barStyle({ LANG: 'en_US.UTF-8' }).filled).toBe('█')
  expect(barStyle({}).filled).toBe('█')
})

test('where a table is too wide, columns that one can do without go first', () => {
  const head = ['name', 'rows', 'snapshot']
  const row = ['events', '12', '1234567890123456789']
  const shown = (columns: number, isTTY = true) =>
    formatTable(head, [row], { right: new Set([1]), spare: [2], stream: { isTTY, columns } }).split('\n')
  expect(shown(60).length).toBe(3)
  expect(plain(shown(60)[2]!)).toBe(' events |   12 | 1234567890123456789')
  expect(shown(30).map(plain)).toEqual([' name   | rows', '--------+------', ' events |   12'])
  expect(shown(12).map(plain)).toEqual([
    '-[ RECORD 1 ]',
    'name     | events',
    'rows     | 12',
    `snapshot | ${row[2]}`,
  ])
  expect(shown(12, false)).toHaveLength(3)
})

test('a table in a pipe is as wide as it has to be', () => {
  const table = formatTable(['a', 'b'], [['x'.repeat(200), '1']], {
    right: new Set([1]),
    stream: { isTTY: false, columns: 80 },
  })
  expect(table.split('\n')).toHaveLength(3)
})
