/** A broker that is away: at the start the door waits for it and says so once; later it tells who asks, and goes on by itself. */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Broker, findKafkaParts } from '../engines/kafka.ts'
import { freePort } from '../engines/shared-engine.ts'
import { projectRoot, temporaryFolder, until } from '../support/landfall.ts'

const parts = await findKafkaParts()
const data = temporaryFolder()
let child: ChildProcess | undefined
let output = ''

afterAll(() => {
  child?.kill('SIGKILL')
  rmSync(data, { recursive: true, force: true })
})

function collect(log: string, http: string): void {
  const launcher = join(projectRoot, 'bin', 'landfall.js')
  const args = ['collect', 'examples/game-simple/pipeline.ts', '--data', data, '--log', log, '--http', http]
  child = spawn(process.execPath, [launcher, ...args], { cwd: projectRoot, stdio: 'pipe' })
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk) => void (output += String(chunk)))
}

const get = (url: string) =>
  fetch(url).then(
    async (answer) => ({ status: answer.status, text: await answer.text() }),
    () => undefined,
  )

describe('a broker that is away', () => {
  if ('missing' in parts) {
    test('is waited for', ({ skip }) => skip(parts.missing))
    return
  }

  test('is waited for at the start, told later, and found again', { timeout: 180_000 }, async () => {
    const http = `127.0.0.1:${await freePort()}`
    await using broker = await Broker.start(parts)
    const log = `kafka://${broker.state.plaintext}/away`
    await broker.signal('SIGKILL')
    collect(log, http)
    await until(
      'the door to say that it waits',
      () => output.includes('trying again until it is there'),
      60_000,
    )
    expect(child!.exitCode).toBeNull()
    await broker.start()
    await until('the door to open', async () => (await get(`http://${http}/readyz`))?.status === 200, 60_000)
    expect(output.match(/trying again until it is there/g), output).toHaveLength(1)
    expect((await get(`http://${http}/metrics`))!.text).toMatch(/^landfall_log_reachable 1$/m)

    await broker.signal('SIGKILL')
    const down = await until(
      'the door to be not ready',
      async () => {
        const answer = await get(`http://${http}/readyz`)
        return answer?.status === 503 ? answer : undefined
      },
      60_000,
    )
    expect(down.text).toMatch(/^not ready: the log does not answer/)
    expect((await get(`http://${http}/healthz`))!.status).toBe(200)
    expect((await get(`http://${http}/metrics`))!.text).toMatch(/^landfall_log_reachable 0$/m)

    await broker.start()
    await until(
      'the door to be ready again',
      async () => (await get(`http://${http}/readyz`))?.status === 200,
      60_000,
    )
    expect((await get(`http://${http}/purchase_a_sword`))!.status).toBe(200)
  })
})
