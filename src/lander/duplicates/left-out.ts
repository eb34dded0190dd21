import type { CompiledPipeline } from '../../model/pipeline.ts'

/** Fields that may differ between two sendings of one event. */
export interface LeftOut {
  /** When the later one was made by a route: request headers were merged into it. */
  onRoutes: ReadonlySet<string>
  elsewhere: ReadonlySet<string>
}

export function leftOutOf(pipeline: CompiledPipeline): LeftOut {
  // The id is equal anyhow, and may stand in one sending's body and in the other's header.
  const elsewhere = new Set([...pipeline.duplicates.volatile, 'event_id'])
  return { elsewhere, onRoutes: new Set([...elsewhere, ...mergedHeaders(pipeline)]) }
}

/** Names that a route may have merged into the event from the request's headers: never those of the plan. */
function mergedHeaders(pipeline: CompiledPipeline): string[] {
  const properties = new Set(
    Object.values(pipeline.plan.events).flatMap((event) => event.properties.map((property) => property.name)),
  )
  return pipeline.headers.filter((header) => !properties.has(header))
}
