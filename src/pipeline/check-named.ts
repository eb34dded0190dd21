import { isLandfallError, LandfallError } from '../base/errors.ts'
import { openCatalog } from '../catalog/open.ts'
import { openLake } from '../lake/iceberg-lake.ts'
import { landedTables } from '../lander/tables.ts'
import { createMemoryLog } from '../log/drivers/memory.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import { askRows } from '../report/ask.ts'
import { openDuckdbEngine } from '../sql/drivers/duckdb/duckdb-engine.ts'
import { openStorage } from '../storage/open.ts'
import { namedOf } from './named.ts'

const PLACES = { view: 'views', reference: 'reference', question: 'questions' }

/**
 * Asks every view and file of a pipeline for its columns, over tables that have no rows: whatever does not depend on data shows
 * here (syntax, names, types, views that read themselves). Throws `model/view` or `model/reference` with the name and the remedy.
 */
export function checkNamed(pipeline: CompiledPipeline, pipelineFile: string): Promise<void> {
  return checkAll({ ...pipeline, questions: [] }, pipelineFile)
}

/**
 * The questions, too: refused (`model/question`) where they name a table or a column that is not there. What else is wrong with one may
 * be so for our door alone, and the report shows it. Nothing that starts waits for this.
 */
export async function checkAll(pipeline: CompiledPipeline, pipelineFile: string): Promise<void> {
  const named = namedOf(pipeline, pipelineFile)
  if (named.views.length + named.reference.length + pipeline.questions.length === 0) return
  const storage = await openStorage('memory://')
  const lake = openLake({ catalog: await openCatalog('file:', storage), storage })
  for (const table of landedTables(pipeline)) await lake.ensure(table)
  const ledger = { topic: 'check', refusals: async () => undefined }
  await using log = createMemoryLog()
  await using engine = await openDuckdbEngine({ lake, log, named, ledger })
  for (const { name } of named.reference) await check('reference', name, engine.describe(name))
  for (const { name } of named.views) await check('view', name, engine.describe(name))
  for (const { name, sql } of pipeline.questions)
    await check('question', name, withoutOtherFaults(askRows(engine, sql)))
}

const NAMES = ['sql/unknown-table', 'sql/unknown-column']

async function withoutOtherFaults(asked: Promise<unknown>): Promise<void> {
  try {
    await asked
  } catch (error) {
    if (!isLandfallError(error) || NAMES.includes(error.code)) throw error
  }
}

async function check(what: keyof typeof PLACES, name: string, asked: Promise<unknown>): Promise<void> {
  try {
    await asked
  } catch (error) {
    if (!isLandfallError(error) || error.kind === 'bug') throw error
    const place = `${PLACES[what]}.${name}`
    throw new LandfallError('fix-config', `model/${what}`, `${place}: ${error.message}`, {
      hint: error.hint ?? 'Mend it in the pipeline file',
      cause: error,
    })
  }
}
