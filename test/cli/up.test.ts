import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { projectRoot, type Running, startLandfall, temporaryFolder, until } from '../support/landfall.ts'
import { landfall } from './run-cli.ts'

const GAME = 'examples/game/pipeline.ts'
const started: Running[] = []
const folders: string[] = []

async function start(...args: Parameters<typeof startLandfall>): Promise<Running> {
  const running = await startLandfall(...args)
  started.push(running)
  return running
}

function folder(): string {
  const path = temporaryFolder()
  folders.push(path)
  return path
}

afterEach(async () => {
  for (const running of started.splice(0)) {
    await running.stop()
    folders.push(running.data)
  }
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true })
})

async function call(url: string): Promise<string | undefined> {
  return fetch(url).then(
    async (answer) => (answer.ok ? await answer.text() : undefined),
    () => undefined,
  )
}

const members = async (running: Running) =>
  (await running.query('select max(guild_member_cnt) as n, count(*) as events from guilds'))[0]

test('up answers a request, then the SQL question about it, and lands everything on SIGTERM', async () => {
  const running = await start(GAME)
  expect(await call(`${running.http}/join_guild/grubs`)).toBe('Joined Guild: grubs! Total members:1\n')
  expect(await members(running)).toEqual({ n: 1, events: 1 })
  for (const url of [running.http, running.sql]) {
    expect(await call(`${url}/healthz`)).toBeDefined()
    expect(await call(`${url}/readyz`)).toBeDefined()
    expect(await call(`${url}/metrics`)).toMatch(/^landfall_/m)
  }
  expect(await call(`${running.sql}/metrics`)).toMatch(/^landfall_lander_pending \d+$/m)
  const greeting = running.output()
  expect(greeting).toContain(`events at ${running.http}, SQL at ${running.sql}`)
  expect(greeting).toContain('curl -d')
  const status = await landfall(['status', '--data', running.data])
  expect(status.code).toBe(0)
  expect(status.stdout).toMatch(
    /ledger +1 accepted = \d landed \+ 0 dead letters \+ 0 duplicates \+ \d pending/,
  )

  expect(await running.stop()).toBe(0)
  expect(existsSync(join(running.data, 'up.json'))).toBe(false)
  const tables = JSON.parse((await landfall(['tables', '--data', running.data, '--json'])).stdout)
  expect(tables.find(({ table }: { table: string }) => table === 'guilds')).toMatchObject({
    rows: 1,
    position: { 0: 1 },
  })
  const after = await landfall(['status', '--data', running.data])
  expect(after.code).toBe(1)
  expect(after.stdout).toMatch(/nothing runs[^]*1 accepted = 1 landed/)
  const rows = await landfall(['sql', '--data', running.data, '--json', 'select guild_name from guilds'])
  expect(JSON.parse(rows.stdout)).toEqual([{ guild_name: 'grubs' }])
})

test('each process that is killed comes back alone, and the next answer is right within 2 s, in SQL within 4', async () => {
  const running = await start(GAME)
  let joined = 0
  // The engine is loaded by the first question.
  await running.query('select 1')
  for (const victim of ['door', 'lander', 'query'] as const) {
    await until('an answer', () => call(`${running.http}/join_guild/grubs`))
    joined += 1
    const before = running.up()
    process.kill(before.processes[victim], 'SIGKILL')
    const killed = performance.now()
    const text = await until('the door to answer', () => call(`${running.http}/join_guild/grubs`))
    joined += 1
    expect(performance.now() - killed).toBeLessThan(2000)
    expect(text).toBe(`Joined Guild: grubs! Total members:${joined}\n`)
    await until('SQL to answer', () =>
      members(running).then(
        (row) => row?.n === joined,
        () => false,
      ),
    )
    expect(performance.now() - killed).toBeLessThan(4000)
    await until('the new process', () => running.up().processes[victim] !== before.processes[victim])
    const others = (['door', 'lander', 'query'] as const).filter((name) => name !== victim)
    for (const name of others) expect(running.up().processes[name]).toBe(before.processes[name])
    await until('the message', () => running.output().includes(`${victim} is back`))
  }
  expect(await members(running)).toEqual({ n: joined, events: joined })
})

test('the supervisor is killed: its processes leave, and up again goes on', async () => {
  const running = await start(GAME)
  await call(`${running.http}/join_guild/grubs`)
  const before = running.up()
  process.kill(before.supervisor, 'SIGKILL')
  const killed = performance.now()
  const address = (url: string) => new URL(url).host
  const again = await start(GAME, {
    data: running.data,
    http: address(running.http),
    sql: address(running.sql),
  })
  expect(await call(`${again.http}/join_guild/grubs`)).toBe('Joined Guild: grubs! Total members:2\n')
  expect(await members(again)).toEqual({ n: 2, events: 2 })
  expect(performance.now() - killed).toBeLessThan(6000)
  // A process that has ended keeps its number until init looks after it, which may be later than we are up again.
  const gone = (pid: number) => {
    try {
      return !process.kill(pid, 0)
    } catch {
      return true
    }
  }
  await until('the old processes are gone', () => Object.values(before.processes).every(gone))
})

test('a second up on the same data directory is refused in one line', async () => {
  const running = await start(GAME)
  const second = await landfall([
    'up',
    join(projectRoot, GAME),
    '--data',
    running.data,
    '--http',
    '127.0.0.1:0',
    '--sql',
    '127.0.0.1:0',
  ])
  expect(second.code).toBe(1)
  expect(second.stderr).toMatch(/^landfall: base\/locked: .*in use by another process.*\n$/)
  expect(await call(`${running.http}/`)).toBeDefined()
})

test('init, then up --watch: a change is taken over, a mistake is not, and no event is lost', async () => {
  const project = folder()
  const made = await landfall(['init', project])
  expect(made).toMatchObject({ code: 0, stderr: '' })
  const pipeline = join(project, 'pipeline.ts')
  const running = await start(pipeline, { data: join(project, 'data'), args: ['--watch'] })
  expect(await call(`${running.http}/purchase_a_sword/sabre`)).toBe('Sword Purchased! sabre\n')
  expect(await call(`${running.http}/purchase_a_shield/buckler`)).toBeUndefined()
  const original = readFileSync(pipeline, 'utf8')

  writeFileSync(pipeline, original.replace("events: ['join_guild']", "events: ['join_gild']"))
  await until('the refusal', () => running.output().includes('the old one goes on'))
  expect(running.output()).toMatch(/landfall: model\/[a-z-]+: .*join_gild/)
  expect(await call(`${running.http}/purchase_a_sword/katana`)).toBe('Sword Purchased! katana\n')

  const changed = original
    .replace(
      'join_guild: Type',
      'purchase_shield: Type.Object({ type: Type.String(), color: Type.String() }),\n    join_guild: Type',
    )
    .replace(
      "    'GET /join",
      "    'GET /purchase_a_shield/:type': ({ params }, { track }) => {\n      track('purchase_shield', { type: params.type, color: 'red' })\n      return 'Shield Purchased!\\n'\n    },\n    'GET /join",
    )
  writeFileSync(pipeline, changed)
  await until('the reload', () => running.output().includes('the changed pipeline is in use'))
  expect(await until('an answer', () => call(`${running.http}/purchase_a_shield/buckler`))).toBe(
    'Shield Purchased!\n',
  )
  const rows = await until('SQL', () =>
    running
      .query('select event_type, type, color from purchases order by "timestamp"')
      .catch(() => undefined),
  )
  expect(rows).toEqual([
    { event_type: 'purchase_sword', type: 'sabre', color: null },
    { event_type: 'purchase_sword', type: 'katana', color: null },
    { event_type: 'purchase_shield', type: 'buckler', color: 'red' },
  ])

  const breaking = changed
    .replaceAll('color: Type.String()', 'color: Type.Integer()')
    .replace("color: 'red'", 'color: 1')
  writeFileSync(pipeline, breaking)
  await until('the second refusal', () => running.output().split('the old one goes on').length > 2)
  expect(running.output()).toMatch(/column color of table purchases is string, the pipeline asks for long/)
  const check = await landfall(['check', pipeline, '--data', running.data])
  expect(check.code).toBe(1)
  expect(check.stdout).toMatch(/purchases: BREAKS\n +! color string -> long/)
})

test('init refuses to overwrite', async () => {
  const project = folder()
  writeFileSync(join(project, 'package.json'), '{}')
  const ended = await landfall(['init', project])
  expect(ended.code).toBe(1)
  expect(ended.stderr).toMatch(/already has package\.json/)
  expect(existsSync(join(project, 'pipeline.ts'))).toBe(false)
})

test('a new reason for dead letters is told once, with event, field and remedy', async () => {
  const running = await start(GAME)
  for (let i = 0; i < 3; i++) {
    await fetch(`${running.http}/v1/events`, { method: 'POST', body: '{"event_type":"join_gild"}' })
  }
  await until('the message', () => running.output().includes('dead letter'))
  // What only the lander judges comes with the next question at latest.
  await fetch(`${running.http}/v1/events`, {
    method: 'POST',
    body: '{"event_type":"purchase_sword","type":"x","cost":"6"}',
  })
  await running.query('select count(*) from dead_letters')
  await until('the verdict', () => running.output().includes('dead letter: purchase_sword, field cost: type'))
  const told = running
    .output()
    .split('\n')
    .filter((line) => line.includes('dead letter: join_gild'))
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(/unknown_event_type: .*Did you mean "join_guild"\?/)
})

test('stages run alone: collect, then land --once, then sql without a server', async () => {
  const data = join(folder(), 'data')
  const pipeline = join(projectRoot, GAME)
  const door = spawn(process.execPath, [
    join(projectRoot, 'bin/landfall.js'),
    'collect',
    pipeline,
    '--data',
    data,
    '--http',
    '127.0.0.1:0',
  ])
  let output = ''
  door.stderr.on('data', (chunk) => (output += chunk))
  const url = await until('the door', () => /at (http\S+)/.exec(output)?.[1])
  const sent = await landfall(['simulate', pipeline, '--http', url, '--rounds', '2', '--json'])
  expect(sent.code).toBe(0)
  expect(JSON.parse(sent.stdout)).toMatchObject({ complete: 44, failed: 0, non2xx: 0 })

  const first = await landfall(['land', pipeline, '--data', data, '--once'])
  expect(first).toMatchObject({
    code: 0,
    stdout: '44 records = 44 landed + 0 dead letters + 0 duplicates, in 1 batch\n',
  })
  const second = await landfall(['land', pipeline, '--data', data, '--once'])
  expect(second).toMatchObject({
    code: 0,
    stdout: '0 records = 0 landed + 0 dead letters + 0 duplicates, in 0 batches\n',
  })
  door.kill('SIGTERM')
  await new Promise((done) => door.once('exit', done))

  const rows = await landfall(['sql', '--data', data, '--json', 'select count(*) as n from purchases'])
  expect(JSON.parse(rows.stdout)).toEqual([{ n: 14 }])
  const topics = await landfall(['topics', '--describe', '--data', data])
  expect(topics.stdout).toMatch(/ 0 \| +0 \| +44 \| +44/)
  const watched = await landfall(['watch', '--data', data, '--exit', '--from', '-2'])
  expect(
    watched.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type),
  ).toEqual(['estoc', 'leather_shield'])
  const formatted = await landfall(['watch', '--data', data, '-e', '-c', '1', '-f', '%t %p %o\\n'])
  expect(formatted.stdout).toBe('events 0 0\n')
})

test('watch | head -1 ends quietly', async () => {
  const running = await start(GAME)
  await call(`${running.http}/join_guild/grubs`)
  await call(`${running.http}/join_guild/grubs`)
  const command = `"${process.execPath}" bin/landfall.js watch --data "${running.data}" | head -1`
  const shell = spawn('sh', ['-c', command], { cwd: projectRoot })
  let [out, error] = ['', '']
  shell.stdout.on('data', (chunk) => (out += chunk))
  shell.stderr.on('data', (chunk) => (error += chunk))
  // The pipe breaks with the next line that nobody reads.
  const ended = new Promise<number | null>((done) => shell.once('close', done))
  await until('the first line', () => out !== '')
  await call(`${running.http}/join_guild/grubs`)
  await call(`${running.http}/join_guild/grubs`)
  expect(await ended).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ event_type: 'join_guild', guild_member_cnt: 1 })
  expect(error).toBe('')
})

test('the same seed makes the same events', async () => {
  const values: string[] = []
  for (let run = 0; run < 2; run++) {
    const running = await start(GAME)
    const args = [
      'simulate',
      join(projectRoot, GAME),
      '--http',
      running.http,
      '--seed',
      '5',
      '--events',
      '60',
      '--concurrency',
      '1',
    ]
    expect((await landfall(args)).code).toBe(0)
    values.push((await landfall(['watch', '--data', running.data, '--exit'])).stdout)
  }
  expect(values[0]).toBe(values[1])
  expect(values[0]!.trim().split('\n')).toHaveLength(60)
})

test('--log-format json writes one object per line, and a variable is as good as a flag', async () => {
  const data = folder()
  const child = spawn(
    process.execPath,
    [join(projectRoot, 'bin/landfall.js'), 'up', GAME, '--log-format', 'json'],
    {
      cwd: projectRoot,
      env: { ...process.env, LANDFALL_DATA: data, LANDFALL_HTTP: '127.0.0.1:0', LANDFALL_SQL: '127.0.0.1:0' },
    },
  )
  let output = ''
  child.stderr.on('data', (chunk) => (output += chunk))
  const ended = new Promise((done) => child.once('close', done))
  await until('up.json', () => existsSync(join(data, 'up.json')))
  const { processes } = JSON.parse(readFileSync(join(data, 'up.json'), 'utf8'))
  process.kill(processes.query, 'SIGKILL')
  await until('the restart', () => output.includes('query is back'))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines[0]).toMatchObject({ level: 30, msg: 'landfall is up', http: expect.stringMatching(/^http:/) })
  expect(lines).toContainEqual(expect.objectContaining({ level: 40, stage: 'query', how: 'SIGKILL' }))
})
