/** The files of this machine: each kind says by itself whether it is what was written. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isLandfallError, systemCode } from '../base/errors.ts'
import { readIfPresent } from '../base/files.ts'
import { openSealed } from '../base/sealed-json.ts'
import { readStateFile } from '../collector/state-file.ts'
import { loadPlan as loadBatchPlan } from '../lander/batch-plan.ts'
import { loadDefinition } from '../lander/definitions.ts'
import { loadIdentity } from '../log/drivers/embedded/identity.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import { loadPlan, type PlanFiles } from '../model/plan-store.ts'
import type { Places } from '../pipeline/places.ts'
import { isOwn } from '../pipeline/places.ts'
import type { Storage } from '../storage/storage.ts'
import type { Finding, Findings } from './report.ts'

/** A file that the next start of a process makes anew: what it holds is nowhere else needed. */
export type Remedy = 'lander-start' | 'collector-start' | 'log-id' | 'open-plan' | 'plan-of-records' | 'none'

export interface DamagedFile {
  path: string
  remedy: Remedy
  finding: Finding
}

export interface DataDirectory {
  damaged: DamagedFile[]
  /** Every definition that is kept and whole, the newest last. */
  definitions: CompiledPipeline[]
}

export async function checkDataDirectory(
  places: Places,
  plans: PlanFiles,
  storage: Storage,
  findings: Findings,
): Promise<DataDirectory> {
  const { paths, data } = places
  const found: DataDirectory = { damaged: [], definitions: [] }
  const check = async (path: string, remedy: Remedy, read: () => Promise<unknown>) => {
    // What is in storage is there: it was listed.
    const bytes = path.includes('://') ? 0 : await sizeOf(path)
    if (bytes === undefined) return
    try {
      await read()
      findings.count('other', bytes)
    } catch (error) {
      const finding = findings.damage(messageOf(error, path), { file: path })
      found.damaged.push({ path, remedy, finding })
    }
  }
  const sealed = (path: string, remedy: Remedy) =>
    check(path, remedy, async () => openSealed((await readIfPresent(path))!))

  await sealed(join(data, 'bound.json'), 'none')
  if (isOwn(places, 'log')) {
    await check(join(paths.log, 'log.json'), 'log-id', () => loadIdentity(paths.log))
  }
  await check(join(paths.lander, 'plan.json'), 'open-plan', () => loadBatchPlan(paths.lander))
  await sealed(paths.named, 'lander-start')
  await sealed(join(paths.lander, 'status.json'), 'lander-start')
  await sealed(join(paths.spool, 'manifest.json'), 'lander-start')
  await check(join(paths.state, 'collector.state'), 'collector-start', () =>
    readStateFile(join(paths.state, 'collector.state')),
  )
  for (const name of await namesByAge(places, storage)) {
    const file = isOwn(places, 'storage') ? join(paths.plans, name) : `${plans.url}/${name}`
    const hash = /^definition-([0-9a-f]+)\.json$/.exec(name)?.[1]
    if (hash === undefined) await check(file, 'plan-of-records', () => loadPlan(plans, name.slice(0, -5)))
    else {
      await check(file, 'lander-start', async () => {
        found.definitions.push(await loadDefinition(plans, hash))
      })
    }
  }
  return found
}

function messageOf(error: unknown, path: string): string {
  if (isLandfallError(error)) return error.kind === 'bad-data' ? error.message : `${path}: ${error.message}`
  // Of the system: no statement about the bytes.
  if (systemCode(error) !== undefined) throw error
  return `${path} is damaged: ${(error as Error).message}`
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Plans and definitions, the oldest first, here or in storage. */
async function namesByAge(places: Places, storage: Storage): Promise<string[]> {
  const found: { name: string; at: number }[] = []
  if (isOwn(places, 'storage')) {
    const folder = places.paths.plans
    for (const name of await namesIn(folder))
      found.push({ name, at: (await stat(join(folder, name))).mtimeMs })
  } else {
    for await (const { path, modifiedAt } of storage.list('plans/'))
      found.push({ name: path.slice('plans/'.length), at: modifiedAt })
  }
  const names = found.toSorted((a, b) => a.at - b.at).map(({ name }) => name)
  return names.filter((name) => name.endsWith('.json'))
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}
