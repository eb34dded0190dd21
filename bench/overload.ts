import { Child } from './child.ts'
import { batch, type Door, type Load, loadHello, single, startDoor } from './collector.ts'
import { type Bench, type BenchOptions, check, comparePairs, type Figure, type Side } from './harness.ts'
import type { LoadOrder, LoadResult } from './processes/load.ts'

/** So many clients saturate what binds, and 40 times as many ask too much of it; none of them pauses, whatever it was answered. */
const SATURATING = 64
const TIMES = 40
const GOAL = { is: 'at least', value: 0.9 } as const

/**
 * Does the door do as much as ever when far too much is asked of it? Only what it answered with success counts, and is in the log.
 * Once where the disk binds: what waiting and refusing cost must not be missing there. Once where the processor binds: nothing is
 * refused, and 2,560 clients wait for their turn.
 */
export const benchOverload: Bench = async (options) => {
  await using load = await Child.start<LoadOrder, LoadResult>('load', {})
  return [await slowDisk(options, load), ...(await manyClients(options, load))]
}

/** Syncs of 50 ms, and a queue for about fifteen requests: most of 64 clients have to wait, and nearly all of 2,560. */
const DISK = { events: 100, slow: { syncMs: 50, queuedBytesMax: 512 * 1024 } }

async function slowDisk(options: BenchOptions, load: Load): Promise<Figure> {
  const { events, slow } = DISK
  options.say(
    `overload: a disk of ${slow.syncMs} ms a sync, ${SATURATING} clients, and ${SATURATING * TIMES}`,
  )
  await using door = await startDoor('door', `${options.directory}/disk`, { slow })
  const request = { request: batch(events), seconds: options.seconds }
  const side = (connections: number, seen: LoadResult[] = []) =>
    goodput(load, door, { ...request, connections }, events, seen)
  await side(SATURATING)()
  const seen: LoadResult[] = []
  const pairs = await comparePairs(options.pairs, side(SATURATING * TIMES, seen), side(SATURATING))
  const asked = sum(seen, ({ succeeded, failed }) => succeeded + failed)
  return {
    name: `goodput at ${TIMES} times the clients that saturate a slow disk ÷ saturation`,
    value: pairs.ratio,
    unit: '×',
    goal: GOAL,
    samples: pairs.ratios,
    detail: { ...detailOf(pairs, seen), timesAsked: asked / sum(seen, ({ succeeded }) => succeeded) },
  }
}

async function manyClients(options: BenchOptions, load: Load): Promise<Figure[]> {
  options.say(`overload: ${SATURATING} clients, and ${SATURATING * TIMES}`)
  await using door = await startDoor('door', `${options.directory}/clients`, {})
  const request = { request: single, seconds: options.seconds }
  const side = (connections: number, seen: LoadResult[] = []) =>
    goodput(load, door, { ...request, connections }, 1, seen)
  await side(SATURATING)()
  const seen: LoadResult[] = []
  const pairs = await comparePairs(options.pairs, side(SATURATING * TIMES, seen), side(SATURATING))
  await using hello = await Child.start<{ do: string }, { port: number }>('hello', {})
  const bare = (connections: number) => loadHello(load, hello.ready.port, { ...request, connections })
  const floor = await comparePairs(options.pairs, bare(SATURATING * TIMES), bare(SATURATING))
  return [
    {
      name: `goodput at ${TIMES} times the clients that saturate the door ÷ saturation`,
      value: pairs.ratio,
      unit: '×',
      goal: GOAL,
      samples: pairs.ratios,
      detail: detailOf(pairs, seen),
    },
    {
      // What so many sockets cost node:http and the kernel, whatever stands behind them.
      name: 'the same of a bare node:http',
      value: floor.ratio,
      unit: '×',
      goal: undefined,
      samples: floor.ratios,
      detail: { goodputPerSecond: floor.of, saturationPerSecond: floor.against },
    },
  ]
}

type Order = Omit<LoadOrder, 'do' | 'port' | 'afterFirstAnswers'>

/** Events per second that were answered with success. They are in the log, and nothing else is. */
function goodput(load: Load, door: Door, order: Order, eventsOfEach: number, seen: LoadResult[]): Side {
  return async () => {
    const before = await door.ask({ do: 'count' })
    const result = await load.ask({ do: 'load', port: door.ready.port, ...order, afterFirstAnswers: true })
    const after = await door.ask({ do: 'count' })
    const others = result.failed - result.refused
    check(others === 0, `${others} requests of ${order.connections} clients had neither a success nor a 503`)
    const answered = result.succeeded * eventsOfEach
    const kept = after.events - before.events
    check(kept === answered, `${answered} events were answered with success, ${kept} are in the log`)
    seen.push(result)
    return result.perSecond * eventsOfEach
  }
}

function detailOf({ of, against }: { of: number; against: number }, seen: readonly LoadResult[]) {
  return {
    goodputPerSecond: of,
    saturationPerSecond: against,
    refused: sum(seen, ({ refused }) => refused),
    p99Ms: Math.max(...seen.map(({ p99Ms }) => p99Ms)),
  }
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((all, value) => all + of(value), 0)
}
