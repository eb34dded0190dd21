/** What the page is told once: the pipeline, who asks, and the names that a statement may have. */
import type { Caller } from '../base/access.ts'
import type { Lake } from '../lake/lake.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import { fieldNames } from '../report/analytics.ts'
import { KEYWORDS } from '../sql/keywords.ts'
import type { SqlEngine } from '../sql/sql.ts'
import type { DashboardParts } from './dashboard.ts'
import type { About, Names } from './messages.ts'

export async function aboutOf(
  { pipeline, version, repairs }: DashboardParts,
  { user }: Caller,
): Promise<About> {
  return {
    pipeline: pipeline.name,
    version,
    user: user ?? null,
    events: Object.values(pipeline.plan.events).map(({ name, properties }) => ({
      name,
      properties: properties.map((property) => ({ name: property.name, type: property.type })),
    })),
    fields: fieldNames(pipeline),
    subject: pipeline.subject,
    session: pipeline.session,
    questions: pipeline.questions,
    repairs: (await repairs?.list()) ?? null,
  }
}

/** Wakes no engine: columns of views and files, which only an engine knows, are left out. */
export async function namesOf(
  engine: SqlEngine,
  lake: Lake,
  { views, reference }: CompiledPipeline,
): Promise<Names> {
  const states = await Promise.all((await lake.listTables()).map((name) => lake.load(name)))
  const tables = states.flatMap((state) =>
    state === undefined ? [] : [{ name: state.name, columns: state.schema.fields.map(({ name }) => name) }],
  )
  const others = [...views, ...reference].map(({ name }) => ({ name, columns: [] }))
  return {
    tables: [...tables, { name: 'ledger', columns: [] }, ...others],
    keywords: [...KEYWORDS],
    functions: await functionsOf(engine),
  }
}

async function functionsOf(engine: SqlEngine): Promise<string[]> {
  const names: string[] = []
  const { pages } = await engine.query('SHOW FUNCTIONS')
  for await (const page of pages) names.push(...page.map((row) => String(row[0])))
  return names.filter((name) => /^[a-z_]\w*$/.test(name))
}
