import { resolveSettings, type SettingName } from '../../config.ts'
import type { Pipeline } from '../../model/definition.ts'
import { checkAll } from '../../pipeline/check-named.ts'
import { loadPipeline } from '../../pipeline/load.ts'
import { refuseTaken } from '../../pipeline/named.ts'
import type { Places } from '../../pipeline/places.ts'
import { hasLake, openDataCatalog } from '../../pipeline/readers.ts'
import { type ColumnChange, diffTables, newTable, type TableDiff } from '../../pipeline/table-diff.ts'
import { EXIT } from '../exit.ts'
import { placesToSee } from '../places.ts'

/** `landfall check PIPELINE`. A wrong file throws; a breaking change sets exit code 1. */
export async function checkPipeline(
  path: string,
  flags: Partial<Record<SettingName, unknown>>,
  { quiet, json }: { quiet: boolean; json: boolean },
): Promise<void> {
  const pipeline = await loadPipeline(path)
  const settings = resolveSettings({ flags, environment: process.env, pipeline: pipeline.compiled.settings })
  await checkAll(pipeline.compiled, path)
  const tables = await diffOf(pipeline, await placesToSee(settings))
  // `up --watch` asks in a process of its own, and goes on with what was checked.
  process.send?.(pipeline.compiled)
  const breaking = tables.filter(({ change }) => change === 'breaks')
  if (breaking.length > 0) process.exitCode = EXIT.failure
  if (json) {
    const { name, hash, plan } = pipeline.compiled
    process.stdout.write(
      `${JSON.stringify({ pipeline: name, hash, plan: plan.version, breaking: breaking.length, tables }, null, 2)}\n`,
    )
  } else if (quiet) for (const { problem } of breaking) process.stderr.write(`landfall: ${problem}\n`)
  else process.stdout.write(formatDiff(pipeline, tables, breaking.length))
}

async function diffOf(pipeline: Pipeline, places: Places): Promise<TableDiff[]> {
  const { tables } = pipeline.compiled
  if (!hasLake(places)) return tables.map(newTable)
  const catalog = await openDataCatalog(places)
  refuseTaken(pipeline.compiled, await catalog.listTables())
  return diffTables(tables, catalog)
}

const MARKS: Record<ColumnChange['change'], string> = { added: '+', changed: '!', removed: '-' }
const SAYS: Record<TableDiff['change'], string> = {
  new: 'new',
  same: 'as it is',
  grows: 'gains columns',
  breaks: 'BREAKS',
  left: 'not in the pipeline any more: keeps its rows and gets no more',
}

function formatDiff({ compiled }: Pipeline, tables: TableDiff[], breaking: number): string {
  const events = Object.keys(compiled.plan.events).length
  const lines = [
    `pipeline ${compiled.name}: ${events} events, ${compiled.tables.length} tables, plan ${compiled.plan.version}`,
  ]
  for (const { table, change, columns, problem } of tables) {
    lines.push(`  ${table}: ${SAYS[change]}`)
    for (const one of columns) {
      const types = one.change === 'changed' ? `${one.before} -> ${one.after}` : (one.after ?? one.before)
      lines.push(`    ${MARKS[one.change]} ${one.column} ${types}`)
    }
    if (problem !== null) lines.push(`    ${problem}`)
  }
  lines.push(breaking === 0 ? 'fine' : `${breaking} breaking`)
  return `${lines.join('\n')}\n`
}
