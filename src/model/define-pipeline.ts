import { compilePipeline } from './compile-pipeline.ts'
import type { BodySchemas, EventSchemas, Pipeline, PipelineDefinition, TableInput } from './definition.ts'

/** Marks what `definePipeline` returns; a registered symbol, so that a second copy of the package is recognised. */
const MARK = Symbol.for('landfall.pipeline')

/**
 * Declares a pipeline: events, tables, routes, state, questions (docs/guide/pipeline-file.md). A wrong definition throws a
 * LandfallError of kind `fix-config` that names the place and the remedy.
 */
export function definePipeline<
  E extends EventSchemas,
  S = undefined,
  R extends BodySchemas = BodySchemas,
  const T extends Record<string, TableInput<string>> = Record<string, TableInput<string>>,
>(definition: PipelineDefinition<E, S, R, T>): Pipeline<E, S> {
  const pipeline = { definition: Object.freeze({ ...definition }), compiled: compilePipeline(definition) }
  Object.defineProperty(pipeline, MARK, { value: true })
  return Object.freeze(pipeline) as unknown as Pipeline<E, S>
}

export function isPipeline(value: unknown): value is Pipeline {
  return typeof value === 'object' && value !== null && MARK in value
}
