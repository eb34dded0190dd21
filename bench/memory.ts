import { readFileSync } from 'node:fs'
import { median } from './harness.ts'

/** Resident memory of a process in MiB, or undefined when it is gone or the system has no /proc. */
export function residentMiB(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return kib === null ? undefined : Number(kib[1]) / 1024
  } catch {
    return undefined
  }
}

export interface Flatness {
  secondQuarterMiB: number
  lastQuarterMiB: number
  flat: boolean
}

/** What a process may take more in the last quarter than in the second (the first warms up): a twelfth, and 8 MiB of noise. */
export function judgeFlatness(samples: readonly number[]): Flatness {
  const quarter = samples.length / 4
  const secondQuarterMiB = median(samples.slice(Math.floor(quarter), Math.floor(2 * quarter)))
  const lastQuarterMiB = median(samples.slice(Math.floor(3 * quarter)))
  return { secondQuarterMiB, lastQuarterMiB, flat: lastQuarterMiB <= secondQuarterMiB * (1 + 1 / 12) + 8 }
}
