import { relative } from 'node:path'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import type { PlanEvent, PlanProperty } from '../../model/plan.ts'
import { ICEBERG_PREFIX } from '../../pipeline/paths.ts'
import type { UpFile } from '../../pipeline/up-file.ts'

/** What a person reads when the pipeline serves: where it is, and what to try next, with an event of this very pipeline. */
export function greeting(
  up: UpFile,
  compiled: CompiledPipeline | undefined,
  { pipeline, data }: { pipeline: string; data: string },
): string {
  const here = (path: string) => relative(process.cwd(), path) || '.'
  const flag = here(data) === 'data' ? '' : ` --data ${here(data)}`
  const events = Object.values(compiled?.plan.events ?? {})
  const simplest = events.toSorted((a, b) => required(a).length - required(b).length)[0]
  return [
    `landfall is up: events at ${up.http}, SQL at ${up.sql}, data in ${here(data)}`,
    `  watch it at ${up.sql}/`,
    `  Iceberg readers attach to ${up.sql}${ICEBERG_PREFIX}`,
    ...(simplest ? [`  try   curl -d '${JSON.stringify(sample(simplest))}' ${up.http}/v1/events`] : []),
    `        landfall sql${flag} "select event_type, count(*) from events group by 1"`,
    `        landfall watch${flag}`,
    `        landfall simulate ${here(pipeline)} --http ${up.http.replace(/^http:\/\//, '')}`,
  ].join('\n')
}

const required = ({ properties }: PlanEvent) => properties.filter((property) => property.required)

function sample(event: PlanEvent): Record<string, unknown> {
  const values = required(event).map((property) => [property.name, sampleValue(property)])
  return { event_type: event.name, ...Object.fromEntries(values) }
}

function sampleValue({ type, nullable, oneOf, minimum }: PlanProperty): unknown {
  if (oneOf) return oneOf[0]
  if (type === 'int' || type === 'long' || type === 'double') return minimum ?? 1
  if (type === 'boolean') return true
  if (type === 'string') return 'text'
  if (type === 'date') return '2026-01-31'
  if (type === 'timestamptz') return '2026-01-31T12:00:00Z'
  if (type === 'json') return nullable ? null : {}
  return '1'
}
