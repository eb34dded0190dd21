/** `landfall stack` from its command line, over two small engines: Kafka (a JVM, with ports of its own) and an S3 store. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadEngine } from '../../src/stack/engines.ts'
import { isPortFree } from '../../src/stack/ports.ts'
import { orMissing } from '../engines/artifacts.ts'
import { engineCache } from '../engines/cache.ts'
import { keep } from '../engines/shared-engine.ts'
import { projectRoot, temporaryFolder, until } from '../support/landfall.ts'

const SLOW_MS = 180_000
const NAMES = ['kafka', 'versitygw']
const cache = engineCache()
const found = await Promise.all(
  NAMES.map((name) => orMissing(async () => (await loadEngine(name)).provide(cache))),
)
const missing = found
  .map((one) => ('missing' in one ? one.missing : ''))
  .join(' ')
  .trim()
const data = temporaryFolder()
keep(data)

interface Answer {
  engines: {
    name: string
    condition: string
    ports: Record<string, number>
    pids: Record<string, number>
    residentBytes: number
  }[]
  environment: Record<string, string>
  commands: Record<string, string>
}

function start(...args: string[]) {
  const child = spawn(
    process.execPath,
    [join(projectRoot, 'bin/landfall.js'), 'stack', ...args, '--data', data],
    {
      env: { ...process.env, LANDFALL_ENGINES: cache.directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let [out, err] = ['', '']
  child.stdout.on('data', (text) => (out += text))
  child.stderr.on('data', (text) => (err += text))
  const done = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, out, err })),
  )
  return { child, done }
}
const stack = (...args: string[]) => start(...args).done

async function status(): Promise<Answer['engines']> {
  return (JSON.parse((await stack('status', '--json')).out) as Answer).engines
}

const conditions = async () =>
  Object.fromEntries((await status()).map(({ name, condition }) => [name, condition]))

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

afterAll(async () => {
  await stack('down', '--remove-data')
}, SLOW_MS)

test(
  'engines come up beside a taken port, are told once more, and leave nothing when they go',
  async ({ skip }) => {
    if (missing !== '') return skip(missing)
    const usual = (await loadEngine('versitygw')).ports['s3']!
    const stranger = createServer()
    const taken = await isPortFree(usual)
    if (taken) await new Promise<void>((resolve) => stranger.listen(usual, '127.0.0.1', resolve))
    const up = await stack('up', ...NAMES, '--json')
    if (taken) await new Promise((resolve) => stranger.close(resolve))
    expect(up.err).toContain(`versitygw: port ${usual} (s3) is taken, so it is `)
    expect(up.err).toMatch(/kafka is up \(\d/)
    const { engines, environment, commands } = JSON.parse(up.out) as Answer
    expect(engines.map(({ name, condition }) => [name, condition])).toEqual(NAMES.map((name) => [name, 'up']))
    const [kafka, s3] = engines as [Answer['engines'][0], Answer['engines'][0]]
    expect(kafka.residentBytes).toBeGreaterThan(50e6)
    expect(environment).toHaveProperty('AWS_SECRET_ACCESS_KEY')
    expect(commands['engines']).toContain(`--log kafka://127.0.0.1:${kafka.ports['plaintext']}/`)
    expect(commands['engines']).toContain(`127.0.0.1:${s3.ports['s3']}`)

    const again = await stack('up', 'kafka')
    expect([again.code, again.err]).toEqual([0, 'kafka is up already\n'])
    expect(again.out).toMatch(/kafka\s+\| up\s+\| Apache Kafka/)

    const down = await stack('down', '--json')
    expect(JSON.parse(down.out)).toMatchObject({ stopped: ['versitygw', 'kafka'] })
    for (const pid of engines.flatMap(({ pids }) => Object.values(pids))) expect(isAlive(pid)).toBe(false)
    for (const port of engines.flatMap(({ ports }) => Object.values(ports)))
      expect(await isPortFree(port)).toBe(true)
    expect(await conditions()).toEqual({ kafka: 'down', versitygw: 'down' })
    expect((await stack('down')).err).toBe(`nothing runs in ${data}\n`)
  },
  SLOW_MS,
)

test(
  'a killed engine is seen, and starts again on its data and ports',
  async ({ skip }) => {
    if (missing !== '') return skip(missing)
    await stack('up', ...NAMES)
    const before = await status()
    process.kill(before[0]!.pids['broker']!, 'SIGKILL')
    await until('the end of the broker', () => !isAlive(before[0]!.pids['broker']!))
    const seen = await stack('status')
    expect(seen.code).toBe(1)
    expect(seen.out).toContain('landfall stack up kafka starts it again')
    const up = await stack('up', ...NAMES)
    expect(up.err).toContain('versitygw is up already')
    const after = await status()
    expect(after.map(({ name, condition, ports }) => ({ name, condition, ports }))).toEqual(
      before.map(({ name, ports }) => ({ name, condition: 'up', ports })),
    )
    await stack('down')
  },
  SLOW_MS,
)

test(
  'a starter that was killed leaves nothing that "down" does not find',
  async ({ skip }) => {
    if (missing !== '') return skip(missing)
    const starter = start('up', ...NAMES)
    const file = join(data, 'kafka/broker.pid')
    await until('the broker', () => existsSync(file), SLOW_MS)
    const busy = await stack('up', 'versitygw')
    expect([busy.code, busy.err]).toEqual([1, expect.stringContaining('stack/busy')])
    starter.child.kill('SIGKILL')
    await starter.done
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
    expect(isAlive(pid)).toBe(true)
    expect((await stack('down')).err).toContain('kafka is down')
    expect(isAlive(pid)).toBe(false)
  },
  SLOW_MS,
)

test(
  'an interrupted start ends what it was starting',
  async ({ skip }) => {
    if (missing !== '') return skip(missing)
    const starter = start('up', 'kafka')
    const file = join(data, 'kafka/broker.pid')
    await until('the broker', () => existsSync(file), SLOW_MS)
    starter.child.kill('SIGTERM')
    expect(await starter.done).toMatchObject({ code: 130, err: expect.stringContaining('interrupted') })
    expect(await conditions()).toMatchObject({ kafka: 'down' })
  },
  SLOW_MS,
)
