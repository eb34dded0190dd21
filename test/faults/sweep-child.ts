/**
 * A process of the crash sweep, to be killed by its plan (hook.ts): recovers what the one before it left, holds the tables to what was
 * acknowledged, goes on working. `sweep-child.ts TASK`
 */
import { readFileSync } from 'node:fs'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import { randomSource } from './events.ts'
import { hook } from './hook.ts'
import { Journal } from './journal.ts'
import { expectTruth } from './oracle.ts'
import { work } from './workload.ts'
import { clockAhead, openWorld } from './world.ts'

/** The one argument, as JSON. */
export interface SweepTask {
  directory: string
  journal: string
  /** The compiled pipeline, as JSON: to compile it takes as long as all the rest. */
  pipeline: string
  /** Of this child among those that had the directory. */
  number: number
  seed: number
  /** Rounds of work after the recovery. */
  rounds: number
}

const MINUTE = 60_000
const task = JSON.parse(process.argv[2]!) as SweepTask
const { number, rounds } = task

hook?.enterPhase('recover')
const journal = new Journal(task.journal)
const pipeline = JSON.parse(readFileSync(task.pipeline, 'utf8')) as CompiledPipeline
// Each process lives twenty minutes after the one before: what was unreferenced then may go now.
const world = await openWorld(task.directory, pipeline, clockAhead(number * 20 * MINUTE))
await world.lander.landToEnd()
hook?.enterPhase('check')
const { lake, reader: log, connection } = world
await expectTruth({ lake, log, connection }, journal, `after child ${number} has recovered`)
process.stdout.write('true\n')
hook?.enterPhase('work')
if (rounds > 0)
  await work(world, journal, { name: String(number), rounds, random: randomSource(task.seed + number) })
hook?.enterPhase('close')
await world[Symbol.asyncDispose]()
