/**
 * Power cuts: the trace of a process that ingests, lands, maintains, closes and starts again is cut at any of its steps, the directory is made as
 * a disk may have kept it (disk.ts), opened, recovered, and held to the truth: every event acknowledged before the cut is there once.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from './children.ts'
import { TracedDisk } from './disk.ts'
import { randomSource, recordOf, tablesOf } from './events.ts'
import { expectTruth } from './oracle.ts'
import { pipeline } from './pipeline.ts'
import type { PowerTask } from './power-child.ts'
import { clockAhead, openWorld } from './world.ts'

export interface PowerCutOptions {
  cuts: number
  seed: number
  /** Cuts of one trace. Default 200. */
  perTrace?: number
  onProgress?: (report: PowerCutReport) => void
}

export interface PowerCutReport {
  seed: number
  cuts: number
  /** Steps of all traces: writes, syncs, changes of names. */
  steps: number
  acknowledged: number
  lost: number
  doubled: number
  unrecoverable: number
}

export async function runPowerCuts(options: PowerCutOptions): Promise<PowerCutReport> {
  const { cuts, seed, perTrace = 200, onProgress } = options
  const report = { seed, cuts: 0, steps: 0, acknowledged: 0, lost: 0, doubled: 0, unrecoverable: 0 }
  const scratch = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'landfall-power-'))
  writeFileSync(join(scratch, 'pipeline.json'), JSON.stringify(pipeline))
  for (let number = 0; report.cuts < cuts; number++) {
    // Paths in a lake are absolute: what is left is made where it was.
    const directory = join(scratch, String(number))
    const disk = await record(scratch, directory, seed + number)
    report.steps += disk.steps.length
    const random = randomSource(seed + number)
    for (let cut = 0; cut < perTrace && report.cuts < cuts; cut++) {
      const time = 1 + Math.floor(random() * disk.steps.length)
      const how = disk.cut(time, random, directory)
      report.acknowledged += await recover(
        disk,
        time,
        directory,
        `seed ${seed}, trace ${number}, cut ${cut}: ${how}`,
      )
      report.cuts += 1
      onProgress?.(report)
    }
    rmSync(directory, { recursive: true })
  }
  rmSync(scratch, { recursive: true })
  return report
}

async function record(scratch: string, directory: string, seed: number): Promise<TracedDisk> {
  const trace = `${directory}.trace`
  const task: PowerTask = {
    directory,
    journal: `${directory}.journal`,
    pipeline: join(scratch, 'pipeline.json'),
    seed,
  }
  const { code, errors } = await runChild('power-child.ts', task, { root: directory, faults: [], trace })
  if (code !== 0) throw new Error(`the recorded process ended with ${code}\n${errors}`)
  const disk = new TracedDisk(trace)
  rmSync(trace)
  return disk
}

/** Answers how many events were acknowledged before the cut. */
async function recover(disk: TracedDisk, time: number, directory: string, what: string): Promise<number> {
  const sent = new Map<string, readonly string[]>()
  const acknowledged = new Set<string>()
  for (const { at, data } of disk.marks) {
    const { sent: ids = [], acknowledged: answered = [] } = data as {
      sent?: string[]
      acknowledged?: string[]
    }
    if (at >= time) break
    for (const id of ids) sent.set(id, tablesOf(id))
    for (const id of answered) acknowledged.add(id)
  }
  try {
    await using world = await openWorld(directory, pipeline, clockAhead(3_600_000))
    // It goes on: an event after the cut is as good as those before.
    const id = 'sword-after-the-cut'
    await world.log.append([recordOf(id, world.clock.nowMicros(), pipeline.plan.version)])
    sent.set(id, tablesOf(id))
    acknowledged.add(id)
    await world.lander.landToEnd()
    const { lake, reader: log, connection } = world
    await expectTruth({ lake, log, connection }, { sent, acknowledged }, what)
  } catch (error) {
    throw new Error(`${what}; kept in ${directory}: ${String(error)}`, { cause: error })
  }
  return acknowledged.size
}
