import { AB_CONNECTIONS, hasAb, runAb } from './ab.ts'
import { Child } from './child.ts'
import { gameEvents } from './game-events.ts'
import { type Bench, type BenchOptions, check, comparePairs, type Figure, type Side } from './harness.ts'
import type { DoorAnswer, DoorSettings } from './processes/door.ts'
import type { LoadOrder, LoadResult } from './processes/load.ts'

export type Door = Child<{ do: 'count' }, DoorAnswer>
export type Load = Child<LoadOrder, LoadResult>

export const BATCH = 1_000
export const BATCH_CONNECTIONS = 8

export const single =
  'GET /purchase_a_sword/sabre HTTP/1.1\r\nHost: user1.comcast.com\r\nUser-Agent: ApacheBench/2.3\r\nAccept: */*\r\n\r\n'

export function batch(events = BATCH): string {
  const body = `${gameEvents(events).join('\n')}\n`
  return `POST /v1/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-ndjson\r\nPrefer: return=minimal\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** The way through HTTP into the log. Every success that the load generator counted must be an event in the log. */
export const benchCollector: Bench = async (options) => {
  await using load = await Child.start<LoadOrder, LoadResult>('load', {})
  return [
    ...(await singleRequests(options, load)),
    await durableBatches(options, load),
    await checkedBatches(options, load, 'collect', { is: 'at least', value: 0.6 }),
    await checkedBatches(options, load, 'reject', undefined),
  ]
}

async function singleRequests(options: BenchOptions, load: Load): Promise<Figure[]> {
  await using hello = await Child.start<{ do: string }, { port: number }>('hello', {})
  await using door = await startDoor('door', `${options.directory}/single`, {})
  const figures: Figure[] = []
  for (const connections of [256, 64]) {
    options.say(`collector: single durable requests, ${connections} connections`)
    const latencies: number[] = []
    const order = { request: single, connections, seconds: options.seconds }
    const durable = loadDoor(load, door, order, 1, latencies)
    const pairs = await comparePairs(options.pairs, durable, loadHello(load, hello.ready.port, order))
    figures.push({
      name: `single durable request ÷ node:http hello, ${connections} connections`,
      value: pairs.ratio,
      unit: '×',
      goal: connections === 256 ? { is: 'at least', value: 0.6 } : undefined,
      samples: pairs.ratios,
      detail: { requestsPerSecond: pairs.of, helloPerSecond: pairs.against, p99Ms: Math.max(...latencies) },
    })
  }
  const byAb = await singleByAb(options, door, hello.ready.port)
  return byAb === undefined ? figures : [...figures, byAb]
}

/** The seeds' own tool, as they used it: a new connection for each request. */
async function singleByAb(options: BenchOptions, door: Door, helloPort: number): Promise<Figure | undefined> {
  if (!hasAb()) {
    options.say('collector: ab is not installed, its figure is left out (Debian: apache2-utils)')
    return undefined
  }
  options.say('collector: single durable requests by ab, 16 connections, no keep-alive')
  const durable = async () => {
    const before = await door.ask({ do: 'count' })
    const { perSecond, completed } = await runAb(
      `http://127.0.0.1:${door.ready.port}/purchase_a_sword/sabre`,
      options.seconds,
    )
    const after = await door.ask({ do: 'count' })
    // When the time is over, ab leaves: at most one request per connection was answered and not counted.
    const unseen = after.events - before.events - completed
    check(
      unseen >= 0 && unseen <= AB_CONNECTIONS,
      `ab counted ${completed} answers, the log has ${unseen} more`,
    )
    return perSecond
  }
  const hello = async () => (await runAb(`http://127.0.0.1:${helloPort}/`, options.seconds)).perSecond
  const pairs = await comparePairs(options.pairs, durable, hello)
  return {
    name: 'single durable request ÷ node:http hello, ab without keep-alive, 16 connections',
    value: pairs.ratio,
    unit: '×',
    goal: undefined,
    samples: pairs.ratios,
    detail: { requestsPerSecond: pairs.of, helloPerSecond: pairs.against },
  }
}

async function durableBatches(options: BenchOptions, load: Load): Promise<Figure> {
  options.say('collector: batches of 1,000, durable and not')
  await using durable = await startDoor('door', `${options.directory}/durable`, {})
  await using careless = await startDoor('door', `${options.directory}/careless`, { durable: false })
  return await compareBatches('batch of 1,000, durable ÷ not durable', options, load, durable, careless, {
    is: 'at least',
    value: 0.95,
  })
}

async function checkedBatches(
  options: BenchOptions,
  load: Load,
  mode: 'collect' | 'reject',
  goal: Figure['goal'],
): Promise<Figure> {
  options.say(`collector: batches of 1,000, checked (${mode}) and not`)
  await using checked = await startDoor('door', `${options.directory}/checked-${mode}`, { mode })
  await using unchecked = await startDoor('unchecked', `${options.directory}/unchecked-${mode}`, {})
  const what = mode === 'collect' ? 'checked (strict JSON, names)' : 'checked (every property)'
  return await compareBatches(
    `batch of 1,000, durable, ${what} ÷ no check`,
    options,
    load,
    checked,
    unchecked,
    goal,
  )
}

async function compareBatches(
  name: string,
  options: BenchOptions,
  load: Load,
  of: Door,
  against: Door,
  goal: Figure['goal'],
): Promise<Figure> {
  const order = { request: batch(), connections: BATCH_CONNECTIONS, seconds: options.seconds }
  const pairs = await comparePairs(
    options.pairs,
    loadDoor(load, of, order, BATCH),
    loadDoor(load, against, order, BATCH),
  )
  const detail = { eventsPerSecond: pairs.of, comparedPerSecond: pairs.against }
  return { name, value: pairs.ratio, unit: '×', goal, samples: pairs.ratios, detail }
}

export function startDoor(
  process: 'door' | 'unchecked',
  directory: string,
  settings: Partial<DoorSettings>,
): Promise<Door> {
  return Child.start(process, { durable: true, mode: 'collect', ...settings, directory })
}

type Order = Omit<LoadOrder, 'do' | 'port'>

/** Events per second through a door; what was answered with success must be what the log holds more. */
export function loadDoor(
  load: Load,
  door: Door,
  order: Order,
  eventsPerRequest: number,
  latencies: number[] = [],
): Side {
  return async () => {
    const before = await door.ask({ do: 'count' })
    const result = await load.ask({ do: 'load', port: door.ready.port, ...order })
    const after = await door.ask({ do: 'count' })
    const answered = result.succeeded * eventsPerRequest
    check(result.failed === 0, `${result.failed} requests failed`)
    check(
      after.events - before.events === answered,
      `${answered} events were answered, ${after.events - before.events} are in the log`,
    )
    latencies.push(result.p99Ms)
    return result.perSecond * eventsPerRequest
  }
}

export function loadHello(load: Load, port: number, order: Order): Side {
  return async () => {
    const result = await load.ask({ do: 'load', port, ...order })
    check(result.failed === 0 && result.succeeded > 0, `hello: ${result.failed} requests failed`)
    return result.perSecond
  }
}
