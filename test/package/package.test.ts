import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const root = new URL('../../', import.meta.url).pathname
const guide = join(root, 'docs/guide/getting-started.md')
const tsc = join(root, 'node_modules/typescript/bin/tsc')

/** The repository's manifest is swapped while packing, so that happens in a copy: other tests run beside this one. */
let copy: string
/** An empty folder, as a newcomer has it, with the package installed. */
let folder: string
let tarball: string

/** As for a newcomer whose `node` is Node 24. */
const environment = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}` }

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'landfall-pack-'))
  folder = await mkdtemp(join(tmpdir(), 'landfall-user-'))
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
  })
  for (const path of stdout.split('\0')) {
    if (path !== '' && existsSync(join(root, path))) cpSync(join(root, path), join(copy, path))
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const packed = await run('npm', ['pack', '--silent'], { cwd: copy, env: environment })
  tarball = join(copy, packed.stdout.trim().split('\n').at(-1)!)
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', folder, tarball], {
    cwd: folder,
    env: environment,
  })
  writeFileSync(join(folder, 'pipeline.ts'), blockOf('ts'))
  writeFileSync(join(folder, 'tsconfig.json'), blockOf('json'))
}, 300_000)

afterAll(async () => {
  for (const path of [copy, folder]) if (path) await rm(path, { recursive: true, force: true })
})

/** The first code block of a language in the guide's first page. */
function blockOf(language: string): string {
  const block = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(readFileSync(guide, 'utf8'))
  return block![1]!
}

async function compile(...flags: string[]): Promise<{ code: number; output: string }> {
  return run(process.execPath, [tsc, '-p', '.', ...flags], { cwd: folder }).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    (error: { code: number; stdout: string }) => ({ code: error.code, output: error.stdout }),
  )
}

test('the package holds compiled code with types, the launcher, the docs, and nothing of the repository', async () => {
  const { stdout } = await run('tar', ['-tzf', tarball])
  const files = stdout
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''))
  expect(basename(tarball)).toMatch(/^landfall-\d/)
  expect(new Set(files.map((path) => path.split('/')[0]))).toEqual(
    new Set(['LICENSE', 'README.md', 'bin', 'dist', 'docs', 'package.json']),
  )
  expect(files).toContain('dist/index.d.ts')
  expect(files).toContain('dist/client/client.js')
  expect(files.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))).toEqual([])
  expect(files.filter((path) => /test|bench|example/i.test(path))).toEqual([])
  const manifest = JSON.parse(readFileSync(join(folder, 'node_modules/landfall/package.json'), 'utf8'))
  expect(manifest.engines).toEqual({ node: '>=24' })
  for (const key of ['private', 'scripts', 'devDependencies', 'optionalDependencies'])
    expect(manifest).not.toHaveProperty(key)
  expect(readdirSync(join(folder, 'node_modules')).filter((name) => name.startsWith('node-'))).toEqual([])
})

test('packing leaves the repository as it was', () => {
  expect(readFileSync(join(copy, 'package.json'), 'utf8')).toBe(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  expect(existsSync(join(copy, '.cache/package.json.repository'))).toBe(false)
})

test('a pack that was killed in the middle is undone by the next', async () => {
  const pack = (...args: string[]) =>
    run(process.execPath, [join(copy, 'scripts/pack.ts'), ...args], { cwd: copy })
  await pack()
  expect(JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8'))).not.toHaveProperty('scripts')
  await pack()
  await pack('--undo')
  await pack('--undo')
  expect(readFileSync(join(copy, 'package.json'), 'utf8')).toBe(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
})

test('the guide begins with a pipeline of about 30 lines', () => {
  expect(blockOf('ts').split('\n').length).toBeLessThanOrEqual(36)
})

const application = `import { createTracker } from 'landfall/client'
import type pipeline from './pipeline.ts'

const tracker = createTracker<typeof pipeline>({ url: 'http://127.0.0.1:5000', writeKey: 'k' })
void tracker.track('join_guild', { guild_name: 'grubs' }).then((receipt) => receipt.eventId.length)
`

test("tsc sees the types: the guide's pipeline and an application compile, a misspelt event or property does not", async () => {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const pipeline = blockOf('ts')
  write('application.ts', application)
  // Our declarations themselves included.
  expect(await compile('--skipLibCheck', 'false')).toEqual({ code: 0, output: '' })

  const mistakes = [
    [pipeline, "track('join_guild'", "track('join_gild'"],
    [pipeline, 'guild_name: params.name', 'guild_nme: params.name'],
    [pipeline, 'cost: params.type.length', 'cost: params.type'],
    [pipeline, "events: ['join_guild']", "events: ['join_gild']"],
    [application, "track('join_guild'", "track('join_gild'"],
    [application, "guild_name: 'grubs'", "guild_nme: 'grubs'"],
    [application, "guild_name: 'grubs'", 'guild_name: 7'],
  ] as const
  for (const [i, [text, right, wrong]] of mistakes.entries()) {
    expect(text).toContain(right)
    write(`mistake-${i}.ts`, text.replace(right, wrong))
  }
  const { code, output } = await compile()
  expect(code).not.toBe(0)
  const blamed = new Set(Array.from(output.matchAll(/^([^(\n]+)\(\d+,\d+\): error/gm), (match) => match[1]))
  expect(blamed).toEqual(new Set(mistakes.map((_, i) => `mistake-${i}.ts`)))
}, 240_000)

test('the stack of engines is in the package, and asks for nothing before it is used', async () => {
  const landfall = (...args: string[]) =>
    run(join(folder, 'node_modules/.bin/landfall'), ['stack', ...args, '--data', join(folder, 'stack')], {
      env: { ...environment, LANDFALL_ENGINES: join(folder, 'engines'), JAVA_HOME: '' },
    }).catch((error: { stdout: string; stderr: string }) => error)
  expect((await landfall('status')).stdout).toBe(`no engine in ${join(folder, 'stack')}\n`)
  // Its library is optional: npm did not install it.
  expect((await landfall('up', 'versitygw')).stderr).toBe(
    'landfall: stack/missing: versitygw needs the package aws4fetch. npm install aws4fetch\n',
  )
})

test("npx landfall up runs the guide's pipeline: an event is answered and is in SQL", async () => {
  const [http, sql] = [await freePort(), await freePort()]
  const args = ['landfall', 'up', 'pipeline.ts', '--http', `127.0.0.1:${http}`, '--sql', `127.0.0.1:${sql}`]
  const up = spawn('npx', args, {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [up.stdout, up.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  // npx ends at once; the pipes close when `landfall up` itself has landed everything and ended.
  const ended = once(up, 'close')
  try {
    const answer = await firstAnswer(`http://127.0.0.1:${http}/purchase_a_sword/sabre`, () => output)
    expect(answer).toBe('Sword Purchased! sabre\n')
    const statement = 'SELECT type, cost, host AS player FROM purchases'
    const asked = await run('npx', ['landfall', 'sql', '--sql', `127.0.0.1:${sql}`, '--json', statement], {
      cwd: folder,
      env: environment,
    })
    expect(JSON.parse(asked.stdout)).toEqual([{ type: 'sabre', cost: 5, player: `127.0.0.1:${http}` }])
  } finally {
    if (up.exitCode === null && up.signalCode === null) process.kill(-up.pid!, 'SIGTERM')
    await ended
  }
}, 240_000)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The text of the first 200, tried until the server is up. */
async function firstAnswer(url: string, output: () => string): Promise<string> {
  for (const until = performance.now() + 90_000; ; ) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return response.text()
    if (performance.now() > until) throw new Error(`no answer from ${url}; landfall said:\n${output()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('the dashboard of the package: its page is compiled, and served with every module that it names', async () => {
  const data = join(folder, 'dashboard-data')
  const child = spawn(
    join(folder, 'node_modules/.bin/landfall'),
    ['up', 'pipeline.ts', '--data', data, '--http', '127.0.0.1:0', '--sql', '127.0.0.1:0'],
    { cwd: folder, env: environment, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  try {
    let said = ''
    const url = await new Promise<string>((resolve, reject) => {
      child.stderr.on('data', (text) => {
        said += text
        const found = /watch it at (\S+)\//.exec(said)
        if (found) resolve(found[1]!)
      })
      child.once('exit', () => reject(new Error(said)))
    })
    const read = async (path: string) => {
      const answer = await fetch(`${url}/${path}`)
      expect(`${path} ${answer.status}`).toBe(`${path} 200`)
      return answer.text()
    }
    const modules = [...(await read('')).matchAll(/ui\/page\/[\w-]+\.\w+/g)].map(([path]) => path)
    expect(modules).toContain('ui/page/main.js')
    for (const path of modules) {
      const text = await read(path)
      if (!path.endsWith('.js')) continue
      for (const [, name] of text.matchAll(/from '\.\/([^']+)'/g))
        expect(modules).toContain(`ui/page/${name}`)
    }
    expect(JSON.parse(await read('ui/api/about'))).toHaveProperty('pipeline')
  } finally {
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
})
