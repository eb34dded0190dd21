/**
 * Plans: `plans/<version>.json`, one file per version, never changed. A record names the version it was sent under, so the file
 * is durable before the first such record is appended, where every lander of the log finds it.
 */
import { join } from 'node:path'
import { LandfallError } from '../base/errors.ts'
import { createFile, makeDirectory, readIfPresent } from '../base/files.ts'
import { hashOf } from './canonical-json.ts'
import type { Plan } from './plan.ts'

const VERSION = /^[0-9a-f]{16}$/

/** Where the files are: a directory of this machine, or storage that several machines share. */
export interface PlanFiles {
  /** For messages. */
  readonly url: string
  /** Durable when resolved; a file of that name stays as it is. */
  create(name: string, text: string): Promise<void>
  read(name: string): Promise<Buffer | undefined>
}

/** Files in `directory` (made if missing). */
export function planDirectory(directory: string): PlanFiles {
  return {
    url: directory,
    async create(name, text) {
      await makeDirectory(directory)
      await createFile(join(directory, name), text)
    },
    read: (name) => readIfPresent(join(directory, name)),
  }
}

/** Keeps a plan; durable when resolved. Keeping the same one again does nothing. */
export async function savePlan(files: PlanFiles, plan: Plan): Promise<void> {
  await files.create(`${plan.version}.json`, `${JSON.stringify({ formatVersion: 1, ...plan }, null, 1)}\n`)
}

/** The plan of a version, or undefined when it was never kept here. Damaged: `model/plan-damaged`. */
export async function loadPlan(files: PlanFiles, version: string): Promise<Plan | undefined> {
  // A version comes from a record; it must not lead out of the directory.
  if (!VERSION.test(version)) return undefined
  const name = `${version}.json`
  const bytes = await files.read(name)
  if (!bytes) return undefined
  const plan = parse(bytes.toString('utf8'))
  const events: Plan['events'] | undefined = plan?.events
  if (plan?.version === version && events !== undefined && hashOf(events) === version)
    return { version, events }
  throw new LandfallError(
    'bad-data',
    'model/plan-damaged',
    `the plan ${name} in ${files.url} is not what its name says`,
    {
      hint: 'Delete the file and start the pipeline of that version once, or restore it from a backup',
    },
  )
}

function parse(text: string): Plan | undefined {
  try {
    return JSON.parse(text) as Plan
  } catch {
    return undefined
  }
}
