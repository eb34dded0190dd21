/** Asks what a harmed file is read as: that must be an error of the product's own, or what was there before. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { isLandfallError, type LandfallError } from '../../src/base/errors.ts'

export type Found = 'detected' | 'harmless'

export interface Probe {
  files: string[]
  /** Throws when what was read is neither an error nor what was there before. */
  ask(file: string): Promise<Found>
}

/** The product says what it found: an error of its own that is no mistake of its own. */
function isTold(error: unknown): error is LandfallError {
  return isLandfallError(error) && error.kind !== 'bug' && !error.message.includes('\n')
}

/** Reads, and compares with what was read before. `none`: what it is read as when it is not believed; a function, where that differs by file. */
export function reading(
  files: string[],
  read: (file: string) => Promise<unknown>,
  none?: unknown,
): () => Promise<Probe> {
  return async () => {
    const before = new Map<string, unknown>()
    for (const file of files) before.set(file, await read(file))
    return { files, ask: (file) => outcomeOf(() => read(file), before.get(file), none) }
  }
}

export async function outcomeOf(
  read: () => Promise<unknown>,
  before: unknown,
  none?: unknown,
): Promise<Found> {
  let found: unknown
  try {
    found = await read()
  } catch (error) {
    if (isTold(error)) return 'detected'
    throw error
  }
  if (isDeepStrictEqual(found, before)) return 'harmless'
  if (none !== undefined && isDeepStrictEqual(found, none)) return 'detected'
  throw new Error(`read as ${JSON.stringify(found)?.slice(0, 300)}`)
}

/** Runs it; an error that says what was found is as good as none. */
export async function told(work: () => Promise<unknown>): Promise<void> {
  await outcomeOf(async () => void (await work()), undefined)
}

/** Paths in a folder whose names fit, sorted, without empty files. */
export function filesIn(folder: string, names: RegExp): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => names.test(name))
    .sort()
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).size > 0)
}
