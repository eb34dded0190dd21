/**
 * Taking over from whoever landed before, the same for every lander (docs/formats/lander.md): the predecessor is fenced, what it has begun
 * is finished under the definition that began it, and only then a new definition judges.
 *
 * What it has begun is known by a plan in this directory, or, on another machine and after a stream, by tables that stand ahead of `events`:
 * each says by which definition. A plan counts for the lander that is in charge right after the one that made it, or took it over: one that has been in
 * charge in between has gone by the tables. A kill while it is finished leaves the same, with tables or `events` further on; the next one goes
 * on there.
 */
import type { Lake } from '../lake/lake.ts'
import type { LogReader } from '../log/log.ts'
import { type CompiledPipeline, EVENTS_TABLE } from '../model/pipeline.ts'
import type { PlanFiles } from '../model/plan-store.ts'
import { covers, furthest, type Position, samePosition } from '../model/position.ts'
import { type BatchPlan, loadPlan, savePlan } from './batch-plan.ts'
import { loadDefinition } from './definitions.ts'
import { checkLog, committedPosition, fence, landedStates } from './tables.ts'

export interface TakeOverParts {
  log: LogReader
  lake: Lake
  /** `lander/` */
  directory: string
  plans: PlanFiles
}

/** A range of the log that a predecessor has landed in part. */
export interface Begun {
  /** It has judged what has landed, and judges the rest. */
  definition: CompiledPipeline
  /** Where `events` stands. */
  from: Position
  to: Position
  /** Undefined: tables stand ahead of `events`, and no plan is here. */
  plan: BatchPlan | undefined
}

export interface OpenSession<Session> {
  (pipeline: CompiledPipeline, position: Position, epoch: number): Promise<Session>
}

/** Opens a session of the pipeline, after one for each thing that was begun. Throws `lander/wrong-log` and `lander/gap` before anything is fenced. */
export async function takeOver<Session extends { finish(begun: Begun): Promise<void> }>(
  parts: TakeOverParts,
  pipeline: CompiledPipeline,
  open: OpenSession<Session>,
): Promise<Session> {
  const { log, lake } = parts
  await checkLog(log, await committedPosition(lake, log))
  const epoch = await fence(lake)
  for (;;) {
    const begun = await findBegun(parts, pipeline, epoch)
    if (begun === undefined) {
      const position = await committedPosition(lake, log)
      await checkLog(log, position)
      return open(pipeline, position, epoch)
    }
    await checkLog(log, begun.from)
    const session = await open(begun.definition, begun.from, epoch)
    await session.finish(begun)
  }
}

/**
 * The plan of this directory that a lander under `epoch` has made or taken over, and not finished, if it is of this log and this lake. One of
 * another epoch is history: landers were in charge since that did not know it, and what counts is where they have left the tables.
 */
export async function openPlan(
  { directory, lake, log }: Omit<TakeOverParts, 'plans'>,
  epoch: number,
): Promise<BatchPlan | undefined> {
  const plan = await loadPlan(directory)
  if (plan === undefined || plan.from.logId !== log.id || plan.epoch !== epoch) return undefined
  const events = await lake.load(EVENTS_TABLE.name)
  if (plan.number <= (events?.batch ?? 0)) return undefined
  // A lake that was made anew or restored stands elsewhere: the plan is not its history.
  return samePosition(events?.position ?? (await log.start()), plan.from) ? plan : undefined
}

async function findBegun(
  parts: TakeOverParts,
  pipeline: CompiledPipeline,
  epoch: number,
): Promise<Begun | undefined> {
  const { log, lake, plans, directory } = parts
  const definitionOf = async (hash: string) =>
    hash === pipeline.hash ? pipeline : loadDefinition(plans, hash)
  const left = await openPlan(parts, epoch - 1)
  if (left !== undefined) {
    const plan = { ...left, epoch }
    await savePlan(directory, plan)
    return { definition: await definitionOf(plan.definition), from: plan.from, to: plan.to, plan }
  }
  const from = await committedPosition(lake, log)
  const ahead = (await landedStates(lake)).filter(
    ({ position }) => position?.logId === from.logId && !covers(from, position),
  )
  const [first] = ahead
  if (first === undefined) return undefined
  const hash = first.definition ?? pipeline.hash
  const to = ahead
    .filter(({ definition = hash }) => definition === hash)
    .reduce((most, { position }) => furthest(most, position!), from)
  return { definition: await definitionOf(hash), from, to, plan: undefined }
}
