/** What a pipeline file imports from 'landfall'. */
export { type Static, Type } from 'typebox'
export { formatError, isLandfallError, LandfallError } from './base/errors.ts'
export { Decimal } from './model/decimal.ts'
export { definePipeline } from './model/define-pipeline.ts'
export {
  type DeadLetter,
  defineRepair,
  type RawEvent,
  type Repair,
  type RepairedEvent,
  type RepairFunction,
  type RepairOptions,
} from './model/define-repair.ts'
export type {
  EventOf,
  EventProperties,
  EventSchemas,
  HeaderColumn,
  Pipeline,
  PipelineDefinition,
  QuestionInput,
  RouteAnswer,
  RouteContext,
  RouteHandler,
  RouteRequest,
  SourceInput,
  StateDefinition,
  TableInput,
  Track,
} from './model/definition.ts'
export type { CompiledPipeline, Question, SourceDefinition, TableDefinition } from './model/pipeline.ts'
export type { Plan, PlanEvent, PlanProperty } from './model/plan.ts'
