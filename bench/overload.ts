import { Child } from './child.ts'
import { type Door, type Load, loadHello, single, startDoor } from './collector.ts'
import { type Bench, check, comparePairs, type Side } from './harness.ts'
import type { LoadOrder, LoadResult } from './processes/load.ts'

/** As many clients as saturate the door, and 40 times as many; none of them pauses, whatever it was answered. */
const SATURATING = 64
const TIMES = 40

/** Does the door do as much as ever when far too much is asked of it? Only what it answered with success counts, and is in the log. */
export const benchOverload: Bench = async (options) => {
  await using load = await Child.start<LoadOrder, LoadResult>('load', {})
  await using door = await startDoor('door', `${options.directory}/overload`, {})
  options.say(`overload: ${SATURATING} clients, and ${SATURATING * TIMES}`)
  const refused: number[] = []
  const latencies: number[] = []
  const side = (connections: number) =>
    goodput(load, door, connections, options.seconds, { refused, latencies })
  await side(SATURATING)()
  refused.length = 0
  const pairs = await comparePairs(options.pairs, side(SATURATING * TIMES), side(SATURATING))
  await using hello = await Child.start<{ do: string }, { port: number }>('hello', {})
  const bare = (connections: number) =>
    loadHello(load, hello.ready.port, { request: single, connections, seconds: options.seconds })
  const floor = await comparePairs(options.pairs, bare(SATURATING * TIMES), bare(SATURATING))
  return [
    {
      name: `goodput at ${TIMES} times the clients that saturate the door ÷ saturation`,
      value: pairs.ratio,
      unit: '×',
      goal: { is: 'at least', value: 0.9 },
      samples: pairs.ratios,
      detail: {
        goodputPerSecond: pairs.of,
        saturationPerSecond: pairs.against,
        refused: refused.reduce((sum, one) => sum + one, 0),
        p99Ms: Math.max(...latencies),
      },
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

interface Seen {
  refused: number[]
  latencies: number[]
}

/** Successes per second. Each is one event in the log, and nothing else is. */
function goodput(load: Load, door: Door, connections: number, seconds: number, seen: Seen): Side {
  return async () => {
    const before = await door.ask({ do: 'count' })
    const order = { request: single, connections, seconds, afterFirstAnswers: true }
    const result = await load.ask({ do: 'load', port: door.ready.port, ...order })
    const after = await door.ask({ do: 'count' })
    const others = result.failed - result.refused
    check(others === 0, `${others} of ${connections} clients' requests had neither a success nor a 503`)
    const kept = after.events - before.events
    check(kept === result.succeeded, `${result.succeeded} were answered with success, ${kept} are in the log`)
    seen.refused.push(result.refused)
    seen.latencies.push(result.p99Ms)
    return result.perSecond
  }
}
