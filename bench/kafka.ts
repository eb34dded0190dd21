import { findKafka } from '../test/engines/kafka.ts'
import { Child } from './child.ts'
import { BATCH, BATCH_CONNECTIONS, batch, type Load, loadDoor, single, startDoor } from './collector.ts'
import { type Bench, type BenchOptions, comparePairs, type Figure } from './harness.ts'
import type { LoadOrder, LoadResult } from './processes/load.ts'

/**
 * What Kafka at the door costs: answered events per second with a topic behind the collector, beside the same collector on the log of
 * its own directory. The broker, one node whose memory a crash of the machine would lose, runs on this machine and takes its share of
 * it; on the other side nothing is answered before the disk has it.
 */
export const benchKafka: Bench = async (options) => {
  const kafka = await findKafka()
  if ('missing' in kafka) {
    options.say(`kafka: left out: ${kafka.missing}`)
    return []
  }
  await using load = await Child.start<LoadOrder, LoadResult>('load', {})
  const figures: Figure[] = []
  for (const partitions of [1, 3]) {
    const url = `kafka://${kafka.plaintext}/bench-${Date.now()}?partitions=${partitions}`
    figures.push(...(await compareDoors(options, load, url, partitions)))
  }
  return figures
}

async function compareDoors(
  options: BenchOptions,
  load: Load,
  log: string,
  partitions: number,
): Promise<Figure[]> {
  const directory = `${options.directory}/kafka-${partitions}`
  await using topic = await startDoor('door', `${directory}/topic`, { log })
  await using embedded = await startDoor('door', `${directory}/embedded`, {})
  const { seconds } = options
  const compare = async (what: string, order: Omit<LoadOrder, 'do' | 'port'>, events: number) => {
    options.say(`kafka: ${what}, ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`)
    const p99Ms: number[] = []
    const over = loadDoor(load, topic, order, events, p99Ms)
    const { ratio, ratios, of, against } = await comparePairs(
      options.pairs,
      over,
      loadDoor(load, embedded, order, events),
    )
    const detail = { eventsPerSecond: of, embeddedPerSecond: against, p99Ms: Math.max(...p99Ms) }
    const name = `${what}, Kafka at the door (${partitions}) ÷ embedded`
    return { name, value: ratio, unit: '×' as const, goal: undefined, samples: ratios, detail }
  }
  return [
    await compare('single request, 256 connections', { request: single, connections: 256, seconds }, 1),
    await compare(
      'batch of 1,000, 8 connections',
      { request: batch(), connections: BATCH_CONNECTIONS, seconds },
      BATCH,
    ),
  ]
}
