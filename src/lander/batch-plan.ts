/**
 * The plan of a batch: what will be committed, made durable (`lander/plan.json`) before the first commit. A redo after a crash
 * executes it: same range, same definition, same verdicts. Format: docs/formats/lander.md.
 */
import { join } from 'node:path'
import { LandfallError } from '../base/errors.ts'
import { readIfPresent, replaceFile } from '../base/files.ts'
import { openSealed, sealJson } from '../base/sealed-json.ts'
import type { Position } from '../model/position.ts'
import type { ChunkCounts } from './judge/judge.ts'

export interface BatchPlan {
  version: 1
  /** Batch number: that of `events` and one. */
  number: number
  /** Epoch of the lander that made the plan, or took it over. */
  epoch: number
  /** Where every table stands before the batch, and after it. */
  from: Position
  to: Position
  /** `CompiledPipeline.hash` of the definition that judges it. */
  definition: string
  /** Tables with rows and how many each gets, in the order of their commits; `events` is always the last. */
  tables: { name: string; rows: number }[]
  counts: ChunkCounts
}

const PLAN = 'plan.json'

export async function savePlan(directory: string, plan: BatchPlan): Promise<void> {
  await replaceFile(join(directory, PLAN), sealJson(`${JSON.stringify(plan)}\n`))
}

export async function loadPlan(directory: string): Promise<BatchPlan | undefined> {
  const path = join(directory, PLAN)
  const bytes = await readIfPresent(path)
  if (bytes === undefined) return undefined
  const plan = parse(bytes) as BatchPlan | undefined
  if (plan?.version === 1 && Number.isSafeInteger(plan.number)) return plan
  throw damaged(path)
}

function parse(bytes: Buffer): unknown {
  try {
    return openSealed(bytes)
  } catch {
    return undefined
  }
}

function damaged(path: string): LandfallError {
  return new LandfallError(
    'bad-data',
    'lander/plan-damaged',
    `${path} is missing or not what the lander wrote`,
    {
      hint: 'Run "landfall verify --repair", or restore it from a backup: without it a batch that was begun cannot be finished exactly once',
    },
  )
}
