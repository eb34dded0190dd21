/** Files of this machine: most are made anew by the process they belong to, once they are out of its way. */
import { readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { replaceFile } from '../../base/files.ts'
import { lockDirectory } from '../../base/lock.ts'
import { property } from '../../lake/lake.ts'
import { createIdentityText } from '../../log/drivers/embedded/identity.ts'
import { EVENTS_TABLE } from '../../model/pipeline.ts'
import { savePlan } from '../../model/plan-store.ts'
import { covers, type Position, parsePosition } from '../../model/position.ts'
import type { Places } from '../../pipeline/places.ts'
import { openPlans } from '../../pipeline/plans.ts'
import type { DamagedFile } from '../check-data-directory.ts'
import type { Verified } from '../verify.ts'
import type { Outcome } from './rebuild.ts'

export async function repairFiles(places: Places, seen: Verified): Promise<void> {
  for (const damaged of seen.directory.damaged) {
    damaged.finding.repair = await repairFile(places, seen, damaged)
  }
}

async function repairFile(places: Places, seen: Verified, { path, remedy }: DamagedFile): Promise<Outcome> {
  switch (remedy) {
    case 'lander-start':
      await remove(seen, path)
      return { done: true, message: 'removed: the next start of the lander makes it anew' }
    case 'collector-start':
      return repairState(seen, path)
    case 'log-id':
      return repairIdentity(seen, path)
    case 'open-plan':
      return repairPlan(seen, path)
    case 'plan-of-records':
      return repairRecordPlan(places, seen, path)
    case 'none':
      return {
        done: false,
        message:
          'nothing else has what it said: delete it and start with the URLs that the directory works with',
      }
  }
}

/** A file of this machine, or an object of storage by its URL. */
async function remove({ rooms }: Verified, path: string): Promise<void> {
  if (path.includes('://')) await rooms.storage.delete(path.slice(rooms.storage.url.length + 1))
  else await rm(path)
}

/** Made anew from the log, when that still has its first record. */
async function repairState({ log }: Verified, path: string): Promise<Outcome> {
  const start = await log?.start()
  if (start === undefined || Object.values(start.next).some((first) => first > 0)) {
    return { done: false, message: 'the log no longer has its first record: restore the file from a backup' }
  }
  await rm(path)
  return { done: true, message: 'removed: the next start of the door makes it anew from the log' }
}

/** The tables and `durable` know which log this is; they must agree. */
async function repairIdentity({ tables }: Verified, path: string): Promise<Outcome> {
  const ids = new Set<string>()
  for (const { version } of tables) {
    const position = version.metadata.properties[property.position]
    if (position !== undefined) ids.add(parsePosition(position).logId)
  }
  const published = await publishedId(dirname(path))
  if (published !== undefined) ids.add(published)
  const [id, ...others] = ids
  if (id === undefined)
    return { done: false, message: 'neither a table nor "durable" knows the id of this log' }
  if (others.length > 0)
    return { done: false, message: `tables and "durable" know several logs: ${[...ids].join(', ')}` }
  const lock = lockDirectory(dirname(path), 'The log')
  try {
    await replaceFile(path, createIdentityText(id, Date.now()))
  } finally {
    lock.release()
  }
  return { done: true, message: `written again with the id ${id}, which the tables and "durable" have` }
}

/** The id in a slot of `durable` that is whole, read without knowing it. */
async function publishedId(directory: string): Promise<string | undefined> {
  const { readPublishedId } = await import('../../log/drivers/embedded/durable.ts')
  return readPublishedId(await readFile(`${directory}/durable`).catch(() => Buffer.alloc(0)))
}

/** A plan matters while its batch is open: some table is at its end, and `events` is not. */
async function repairPlan({ tables, unreadable }: Verified, path: string): Promise<Outcome> {
  const positions = new Map<string, Position>()
  for (const { version } of tables) {
    const text = version.metadata.properties[property.position]
    if (text !== undefined) positions.set(version.name, parsePosition(text))
  }
  const events = positions.get(EVENTS_TABLE.name)
  const ahead = [...positions].filter(([, position]) => events === undefined || !covers(events, position))
  if (unreadable.length > 0 || ahead.length > 0) {
    const which = [...unreadable.map(({ table }) => table), ...ahead.map(([table]) => table)].join(', ')
    return {
      done: false,
      message: `its batch may be open (${which} stand ahead of events or cannot be read): restore the file from a backup`,
    }
  }
  await rm(path)
  return { done: true, message: 'removed: no batch is open, so the next one is planned anew' }
}

/** A definition that is kept holds the plan it was compiled with. */
async function repairRecordPlan(places: Places, seen: Verified, path: string): Promise<Outcome> {
  const version = path.slice(path.lastIndexOf('/') + 1, -'.json'.length)
  const found = seen.directory.definitions.find(({ plan }) => plan.version === version)
  if (found === undefined)
    return {
      done: false,
      message: 'delete it and start the pipeline of that plan once, which writes it again',
    }
  await remove(seen, path)
  await savePlan(openPlans(places, seen.rooms.storage), found.plan)
  return { done: true, message: 'written again from the definition that has it' }
}
