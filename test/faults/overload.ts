/** Far too much load on a door of its own process: what it answered with success is in the log, and it answers as much as ever. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { benchOverload } from '../../bench/overload.ts'

/** Successes per second at 40 times the load that saturates ÷ those at saturation: the median, and each pair. */
interface Goodput {
  toSaturation: number
  pairs: number[]
  refused: number
}

export interface OverloadReport {
  /** Where a slow disk binds, and most is refused. */
  slowDisk: Goodput
  /** Where the processor binds, and 2,560 clients wait. */
  clients: Goodput
  /** Answered with success and not in the log, or the reverse: otherwise it throws. */
  lost: 0
}

export async function runOverload(pairs: number, tell: (text: string) => void): Promise<OverloadReport> {
  // Not below /tmp, which may be memory: syncs would cost nothing.
  const cache = join(import.meta.dirname, '../../.cache')
  mkdirSync(cache, { recursive: true })
  const directory = mkdtempSync(join(cache, 'overload-'))
  try {
    const figures = await benchOverload({ pairs, seconds: 3, events: 0, directory, say: tell })
    const [slowDisk, clients] = figures.map(({ value, samples, detail }) => ({
      toSaturation: value,
      pairs: samples,
      refused: detail['refused']!,
    }))
    return { slowDisk: slowDisk!, clients: clients!, lost: 0 }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
