/** The process whose trace is cut: works, ends, starts again an hour later and works on. `power-child.ts TASK` */
import { mkdirSync, readFileSync } from 'node:fs'
import type { CompiledPipeline } from '../../src/model/pipeline.ts'
import { randomSource } from './events.ts'
import { hook } from './hook.ts'
import { Journal } from './journal.ts'
import { work } from './workload.ts'
import { clockAhead, openWorld } from './world.ts'

/** The one argument, as JSON. */
export interface PowerTask {
  directory: string
  journal: string
  pipeline: string
  seed: number
}

const task = JSON.parse(process.argv[2]!) as PowerTask
mkdirSync(task.directory)
const journal = new Journal(task.journal)
const pipeline = JSON.parse(readFileSync(task.pipeline, 'utf8')) as CompiledPipeline
const random = randomSource(task.seed)
for (const hour of [0, 1]) {
  await using world = await openWorld(task.directory, pipeline, clockAhead(hour * 3_600_000))
  await work(world, journal, { name: String(hour), rounds: 3, random, onMark: (data) => hook?.mark(data) })
}
