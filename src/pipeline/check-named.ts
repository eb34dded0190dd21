import { isLandfallError, LandfallError } from '../base/errors.ts'
import { openCatalog } from '../catalog/open.ts'
import { openLake } from '../lake/iceberg-lake.ts'
import { landedTables } from '../lander/tables.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import { openDuckdbEngine } from '../sql/drivers/duckdb/duckdb-engine.ts'
import { openStorage } from '../storage/open.ts'
import { namedOf } from './named.ts'

/**
 * Asks every view and file of a pipeline for its columns, over tables that have no rows: whatever does not depend on data shows
 * here (syntax, names, types, views that read themselves). Throws `model/view` or `model/reference` with the name and the remedy.
 */
export async function checkNamed(pipeline: CompiledPipeline, pipelineFile: string): Promise<void> {
  const named = namedOf(pipeline, pipelineFile)
  if (named.views.length + named.reference.length === 0) return
  const storage = await openStorage('memory://')
  const lake = openLake({ catalog: await openCatalog('file:', storage), storage })
  for (const table of landedTables(pipeline)) await lake.ensure(table)
  await using engine = await openDuckdbEngine({ lake, named })
  for (const { name } of named.reference) await check('reference', name, engine.describe(name))
  for (const { name } of named.views) await check('view', name, engine.describe(name))
}

async function check(what: 'view' | 'reference', name: string, asked: Promise<unknown>): Promise<void> {
  try {
    await asked
  } catch (error) {
    if (!isLandfallError(error) || error.kind === 'bug') throw error
    const place = what === 'view' ? `views.${name}` : `reference.${name}`
    throw new LandfallError('fix-config', `model/${what}`, `${place}: ${error.message}`, {
      hint: error.hint ?? 'Mend it in the pipeline file',
      cause: error,
    })
  }
}
