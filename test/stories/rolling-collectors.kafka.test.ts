/**
 * Two collectors in front of a topic of three partitions, rolled one by one to a plan with more in it, while events come. Whoever sends
 * tries the other collector when one does not answer, with the same id. Every answered event is in its tables, once.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort } from '../engines/shared-engine.ts'
import { World } from '../lander/support.ts'
import { missing, newTopic, urlOf } from '../log/kafka-topics.ts'
import { projectRoot, temporaryFolder, until, wait } from '../support/landfall.ts'

const pipelineText = (more: boolean) => `
import { definePipeline } from 'landfall'
import { Type } from 'landfall'
export default definePipeline({
  name: 'rolled',
  events: {
    join_guild: Type.Object({ guild: Type.String()${more ? ', level: Type.Optional(Type.Integer())' : ''} }),
    buy: Type.Object({ cost: Type.Integer() }),
    ${more ? 'sell: Type.Object({ price: Type.Integer() }),' : ''}
  },
  tables: {
    guilds: { events: ['join_guild'] },
    trades: { events: ${more ? `['buy', 'sell']` : `['buy']`} },
  },
})
`

class Stage {
  readonly #args: string[]
  #child: ChildProcess | undefined
  output = ''

  constructor(...args: string[]) {
    this.#args = args
  }

  start(pipeline: string): void {
    const [command, ...rest] = this.#args
    this.#child = spawn(
      process.execPath,
      [join(projectRoot, 'bin/landfall.js'), command!, pipeline, ...rest],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on('data', (chunk) => void (this.output += chunk))
  }

  async stop(): Promise<number | null> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null
    const gone = new Promise<number | null>((done) => child.once('exit', done))
    child.kill('SIGTERM')
    return gone
  }
}

const isUp = (port: number) =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    (response) => response.ok,
    () => false,
  )

/** What sender `n` sends as its `i`-th; the plan with more knows all of it. */
function eventOf(id: string, i: number, more: boolean): { event_type: string; [field: string]: unknown } {
  if (i % 3 === 0) return { event_id: id, event_type: 'buy', cost: i }
  if (more && i % 3 === 1) return { event_id: id, event_type: 'sell', price: i }
  return { event_id: id, event_type: 'join_guild', guild: `g${i % 5}`, ...(more ? { level: i } : {}) }
}

test('collectors are rolled to another plan under load: every answered event lands once', async ({
  skip,
}) => {
  if (missing) return skip(missing)
  const folder = temporaryFolder()
  await using world = new World()
  const ports = [await freePort(), await freePort()]
  const log = urlOf(newTopic(), '?partitions=3')
  const shared = ['--log', log, '--storage', join(world.directory, 'lake')]
  const [oldPlan, newPlan] = [join(folder, 'old.ts'), join(folder, 'new.ts')]
  writeFileSync(oldPlan, pipelineText(false))
  writeFileSync(newPlan, pipelineText(true))
  const collectors = ports.map(
    (port, i) =>
      new Stage('collect', '--data', join(folder, `door${i}`), '--http', `127.0.0.1:${port}`, ...shared),
  )
  const lander = new Stage('land', '--data', join(folder, 'lander'), ...shared)
  const stages = [...collectors, lander]
  try {
    collectors[0]!.start(oldPlan)
    await until('the first collector', () => isUp(ports[0]!), 60_000)
    collectors[1]!.start(oldPlan)
    lander.start(oldPlan)
    await until('the second collector', () => isUp(ports[1]!), 60_000)

    const answered = new Map<string, string>()
    let [stopping, sendsMore, retries] = [false, false, 0]
    const send = async (event: { event_type: string }, id: string, first: number) => {
      for (let attempt = 0; ; attempt++) {
        const port = ports[(first + attempt) % 2]!
        const options = { method: 'POST', body: JSON.stringify(event), signal: AbortSignal.timeout(15_000) }
        const response = await fetch(`http://127.0.0.1:${port}/v1/events`, options).catch(() => undefined)
        if (response?.status === 200) return void answered.set(id, event.event_type)
        retries++
        await wait(50)
      }
    }
    const senders = Array.from({ length: 12 }, async (_, n) => {
      for (let i = 0; !stopping; i++) {
        const id = `s${n}-${i}`
        await send(eventOf(id, i, sendsMore) as { event_type: string }, id, n)
      }
    })
    await wait(1500)
    // The lander first: it knows what the new collectors will send. Then the doors, one by one.
    await lander.stop()
    lander.start(newPlan)
    for (const [i, collector] of collectors.entries()) {
      await wait(500)
      expect(await collector.stop()).toBe(0)
      collector.start(newPlan)
      await until(`collector ${i} again`, () => isUp(ports[i]!), 60_000)
    }
    sendsMore = true
    await wait(1500)
    stopping = true
    await Promise.all(senders)
    await lander.stop()

    const once = new Stage('land', '--once', '--data', join(folder, 'lander'), ...shared)
    stages.push(once)
    once.start(newPlan)
    await until('the rest to land', () => / records = /.test(once.output), 60_000)
    await once.stop()

    const landed = await world.rows('events', 'event_id, event_type, CAST("partition" AS INT) AS p')
    const ids = landed.map((row) => row['event_id'] as string)
    expect(new Set(ids).size).toBe(ids.length)
    const typeOf = new Map(landed.map((row) => [row['event_id'] as string, row['event_type']]))
    for (const [id, type] of answered) expect(typeOf.get(id), id).toBe(type)
    expect(landed.length).toBe(answered.size)
    expect(new Set(landed.map((row) => row['p'])).size).toBe(3)
    expect([...answered.values()]).toEqual(expect.arrayContaining(['buy', 'sell', 'join_guild']))
    const count = (...types: string[]) => [...answered.values()].filter((type) => types.includes(type)).length
    expect(await world.rows('trades', 'count(*)::INT AS n')).toEqual([{ n: count('buy', 'sell') }])
    expect(await world.rows('guilds', 'count(*)::INT AS n, count(level) > 0 AS more')).toEqual([
      { n: count('join_guild'), more: true },
    ])
    expect(await world.rows('dead_letters', 'count(*)::INT AS n')).toEqual([])
    // A door that was stopped has sent somebody to the other one.
    expect(retries).toBeGreaterThan(0)
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${stages.map(({ output }) => output).join('\n')}`, {
      cause: error,
    })
  } finally {
    await Promise.all(stages.map((stage) => stage.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
})
