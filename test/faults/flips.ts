/**
 * Bits that turn, ends that are cut off, pages that were never written: in every kind of file of a data directory, one at a time, each
 * followed by the question whether anybody notices. What reads the file must say so, or give exactly what was there before. A wrong row, or
 * one that is missing without a word, is a failure of the product.
 *
 * The directory is made once. A harmed file is put back bit by bit before the next one.
 */
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { createRandom, type Random } from '../../src/simulate/random.ts'
import { landedDirectory } from '../verify/support.ts'
import { Probes } from './flip-probes.ts'
import type { Probe } from './flip-reading.ts'

export interface FlipReport {
  seed: number
  count: number
  /** By kind of file: how many were told by who reads it, how many by `verify` only, how many change nothing that anybody reads. */
  kinds: Record<string, Record<'flips' | Outcome, number>>
  /** Whole runs of lander, questions and `verify` over a harmed directory. */
  wholeRuns: number
}

type Outcome = 'detected' | 'verified' | 'harmless'

/** How a file is harmed; says what it did. */
const HARMS: readonly ((bytes: Buffer, random: Random) => [Buffer, string])[] = [
  (bytes, random) => {
    const bit = random.below(bytes.length * 8)
    const harmed = Buffer.from(bytes)
    harmed[bit >> 3]! ^= 1 << (bit & 7)
    return [harmed, `bit ${bit} turned`]
  },
  (bytes, random) => {
    const length = random.below(bytes.length)
    return [bytes.subarray(0, length), `cut to ${length} of ${bytes.length} bytes`]
  },
  (bytes, random) => {
    // The rest of a page, or of the file, never came to the disk.
    const from = random.below(bytes.length)
    const harmed = Buffer.from(bytes)
    harmed.fill(0, from, random.below(2) === 0 ? Math.min(bytes.length, (from | 511) + 1) : bytes.length)
    return [harmed, `zeros from byte ${from}`]
  },
  (bytes, random) => {
    const from = random.below(bytes.length)
    const harmed = Buffer.from(bytes)
    for (let at = from; at < Math.min(bytes.length, from + 16); at++) harmed[at] = random.below(256)
    return [harmed, `noise from byte ${from}`]
  },
]

/** One whole run in so many flips. */
const WHOLE_EVERY = 200

/** Throws with seed, file and harm at the first one that was neither told nor without effect. */
export async function runFlips({
  count,
  seed,
  onProgress = () => {},
  wholeEvery = WHOLE_EVERY,
}: {
  count: number
  seed: number
  onProgress?: (done: number) => void
  wholeEvery?: number
}): Promise<FlipReport> {
  const random = createRandom(seed)
  using data = await landedDirectory(3)
  await using probes = await Probes.open(data)
  const report: FlipReport = { seed, count: 0, kinds: {}, wholeRuns: 0 }
  const kinds = Object.entries(probes.kinds)
  const empty = kinds.filter(([, { files }]) => files.length === 0).map(([kind]) => kind)
  if (empty.length > 0) throw new Error(`there are no files of ${empty.join(', ')}`)
  for (let i = 0; i < count; i++) {
    // Kinds in turn, so that a short run meets them all; bits are the harm that nobody else notices.
    const [kind, probe] = kinds[i % kinds.length]!
    const file = probe.files[random.below(probe.files.length)]!
    const whole = i % wholeEvery === wholeEvery - 1
    const result = await flipOne(file, probe, random, probes, whole).catch((error: unknown) => {
      const what = `seed ${seed}, flip ${i}, ${kind} ${relative(data.root, file)}`
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error })
    })
    const sum = (report.kinds[kind] ??= { flips: 0, detected: 0, verified: 0, harmless: 0 })
    sum.flips += 1
    sum[result] += 1
    if (whole) report.wholeRuns += 1
    report.count += 1
    if (report.count % 100 === 0) onProgress(report.count)
  }
  return report
}

async function flipOne(
  file: string,
  probe: Probe,
  random: Random,
  probes: Probes,
  whole: boolean,
): Promise<Outcome> {
  const bytes = readFileSync(file)
  const { atime, mtime } = statSync(file)
  const harm = HARMS[random.below(2) === 0 ? 0 : random.below(HARMS.length)]!
  const [harmed, what] = harm(bytes, random)
  writeFileSync(file, harmed)
  try {
    const found = await probe.ask(file)
    // What reads it may have mended it.
    writeFileSync(file, harmed)
    const isVerified = found === 'harmless' && (await probes.isFoundByVerify())
    if (whole) await probes.askAll()
    return isVerified ? 'verified' : found
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error })
  } finally {
    writeFileSync(file, bytes)
    utimesSync(file, atime, mtime)
  }
}
