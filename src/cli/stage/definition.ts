/** How a stage comes by the definition of the pipeline. */
import type { Pipeline } from '../../model/definition.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import { supervisorLink } from './supervisor-link.ts'

/**
 * Plain data, for stages that call no function of the pipeline. Under `landfall up` it comes from the door by way of the
 * supervisor: all stages then work with the same definition even while the file is being edited, and only the door pays for
 * loading it.
 */
export async function loadCompiled(path: string): Promise<CompiledPipeline> {
  const link = supervisorLink()
  if (link !== undefined) return link.compiled
  return (await loadFile(path)).compiled
}

/**
 * With its functions, for the door. Under `landfall up` the door announces it; when a restarted door finds the file changed, it
 * waits until the lander has the new tables, so that no event of the new plan is landed by the old definition.
 */
export async function loadDefinition(path: string): Promise<Pipeline> {
  const pipeline = await loadFile(path)
  const link = supervisorLink()
  if (link !== undefined) {
    link.send({ type: 'compiled', compiled: pipeline.compiled })
    await link.go
  }
  return pipeline
}

async function loadFile(path: string): Promise<Pipeline> {
  const { loadPipeline } = await import('../../pipeline/load.ts')
  return loadPipeline(path)
}
