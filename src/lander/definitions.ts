/**
 * Definitions that have judged, by their hash, beside the plans: where every lander of the log finds them. What one lander has begun is
 * finished under the definition that began it, although the pipeline file has changed, and on whatever machine.
 */
import { LandfallError } from '../base/errors.ts'
import { openSealed, sealJson } from '../base/sealed-json.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import type { PlanFiles } from '../model/plan-store.ts'

const HASH = /^[0-9a-f]{16}$/
const nameOf = (hash: string) => `definition-${hash}.json`

/** Durable when resolved. Keeping the same one again does nothing. */
export async function saveDefinition(files: PlanFiles, pipeline: CompiledPipeline): Promise<void> {
  const name = nameOf(pipeline.hash)
  if ((await files.read(name)) !== undefined) return
  // Keys and limits of sources decide who may send, not how a record lands, and a key is not for a file.
  const sources = pipeline.sources.map((source) => ({ ...source, writeKey: null }))
  await files.create(name, sealJson(`${JSON.stringify({ ...pipeline, sources }, null, 1)}\n`))
}

/** Throws `lander/no-definition` when it is not there or not what was kept. */
export async function loadDefinition(files: PlanFiles, hash: string): Promise<CompiledPipeline> {
  // It comes from a file or a table; it must not lead out of the directory.
  const bytes = HASH.test(hash) ? await files.read(nameOf(hash)) : undefined
  const pipeline = bytes && parse(bytes)
  if (pipeline?.hash === hash) return pipeline
  throw new LandfallError(
    'bad-data',
    'lander/no-definition',
    `what an earlier lander has begun is judged by the definition ${hash}, and ${files.url}/${nameOf(hash)} is ${bytes ? 'damaged' : 'not there'}`,
    {
      hint: 'Restore the file, or start the pipeline as it was once, which writes it again; otherwise events could land twice or not at all',
      details: { definition: hash },
    },
  )
}

function parse(bytes: Buffer): CompiledPipeline | undefined {
  try {
    return openSealed(bytes) as unknown as CompiledPipeline
  } catch {
    return undefined
  }
}
