/**
 * Plans beside the log: `plans/<version>.json`, one file per version, never changed. A record names the version it was sent
 * under, so the file is durable before the first such record is appended.
 */
import { join } from 'node:path'
import { LandfallError } from '../base/errors.ts'
import { createFile, makeDirectory, readIfPresent } from '../base/files.ts'
import { hashOf } from './canonical-json.ts'
import type { Plan } from './plan.ts'

const VERSION = /^[0-9a-f]{16}$/

/** Keeps a plan in `directory` (made if missing); durable when resolved. Keeping the same one again does nothing. */
export async function savePlan(directory: string, plan: Plan): Promise<void> {
  await makeDirectory(directory)
  await createFile(
    join(directory, `${plan.version}.json`),
    `${JSON.stringify({ formatVersion: 1, ...plan }, null, 1)}\n`,
  )
}

/** The plan of a version, or undefined when it was never kept here. Damaged: `model/plan-damaged`. */
export async function loadPlan(directory: string, version: string): Promise<Plan | undefined> {
  // A version comes from a record; it must not lead out of the directory.
  if (!VERSION.test(version)) return undefined
  const path = join(directory, `${version}.json`)
  const bytes = await readIfPresent(path)
  if (!bytes) return undefined
  const plan = parse(bytes.toString('utf8'))
  if (plan?.version === version && hashOf(plan.events) === version) return { version, events: plan.events }
  throw new LandfallError('bad-data', 'model/plan-damaged', `the plan ${path} is not what its name says`, {
    hint: 'Delete the file and start the pipeline of that version once, or restore it from a backup',
  })
}

function parse(text: string): Plan | undefined {
  try {
    return JSON.parse(text) as Plan
  } catch {
    return undefined
  }
}
