import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LandfallError } from '../../base/errors.ts'
import type { Pipeline } from '../../model/definition.ts'
import { checkSimulate, type SimulateInput } from '../../model/simulate-input.ts'
import { roundRequests, type SimulatedRequest } from '../../simulate/requests.ts'
import { mergeHints } from '../../simulate/world.ts'

/** What the pipeline file says, and laid over it a load file: the one that was named, else `load.json` beside the pipeline. */
export async function loadHints(
  path: string,
  file: string | undefined,
  pipeline: Pipeline,
): Promise<SimulateInput> {
  const own = pipeline.definition.simulate
  const beside = join(dirname(path), 'load.json')
  const from = file ?? (existsSync(beside) ? beside : undefined)
  return mergeHints(own, from === undefined ? undefined : await readLoad(from, pipeline))
}

async function readLoad(file: string, { definition }: Pipeline): Promise<SimulateInput | undefined> {
  let load: unknown
  try {
    load = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw new LandfallError(
      'fix-config',
      'simulate/load',
      `the load ${file} cannot be read: ${(error as Error).message}`,
    )
  }
  checkSimulate(file, load, definition)
  return load
}

/** The requests of the load's round, again and again, one at a time: their order is part of the load. */
export function roundsOf(hints: SimulateInput, rounds: number) {
  const round = roundRequests(hints.round ?? [])
  if (round.length === 0) {
    throw new LandfallError('fix-config', 'simulate/no-round', 'the load has no round to send', {
      hint: 'Give load.json, or simulate of the pipeline file, a list "round"',
    })
  }
  const requests: SimulatedRequest[] = Array.from({ length: rounds }, () => round).flat()
  return { title: `${rounds} rounds`, requests, count: requests.length, concurrency: 1 }
}
