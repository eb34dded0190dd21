/** Far too much load on a door of its own process: what it answered with success is in the log, and it answers as much as ever. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { benchOverload } from '../../bench/overload.ts'

export interface OverloadReport {
  /** Successes per second at 40 times the clients that saturate the door ÷ those at saturation; the median of the pairs. */
  goodputToSaturation: number
  pairs: number[]
  refused: number
  /** Answered with success and not in the log, or the reverse: otherwise it throws. */
  lost: 0
}

export async function runOverload(pairs: number, tell: (text: string) => void): Promise<OverloadReport> {
  // Not below /tmp, which may be memory: syncs would cost nothing.
  const cache = join(import.meta.dirname, '../../.cache')
  mkdirSync(cache, { recursive: true })
  const directory = mkdtempSync(join(cache, 'overload-'))
  try {
    const [figure] = await benchOverload({ pairs, seconds: 3, events: 0, directory, say: tell })
    const { value, samples, detail } = figure!
    return { goodputToSaturation: value, pairs: samples, refused: detail['refused']!, lost: 0 }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
