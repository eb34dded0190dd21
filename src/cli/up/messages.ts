/** What supervisor and children say to each other over the IPC channel. */
import { type ErrorKind, LandfallError } from '../../base/errors.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import type { StageName } from '../../pipeline/up-file.ts'
import type { Note } from '../reporter.ts'

/** The command that runs a stage alone, which is also what the supervisor starts. */
export const STAGE_COMMANDS: Record<StageName, string> = { door: 'collect', lander: 'land', query: 'query' }

/** Set in the environment of a child, so that it reports over IPC and leaves when the channel closes. */
export const SUPERVISED = 'LANDFALL_SUPERVISED'

export interface WireError {
  kind: ErrorKind
  code: string
  message: string
  hint?: string | undefined
}

export type FromChild =
  /** The door has loaded the pipeline file; it goes on when told to. */
  | { type: 'compiled'; compiled: CompiledPipeline }
  /** The stage does its work; `address` is where it listens. */
  | { type: 'ready'; address: string | null }
  /** It could not start or could not go on, and ends now. */
  | { type: 'failed'; error: WireError }
  | { type: 'note'; note: Note }

export type FromSupervisor =
  /** The definition to work with, to the lander and the query process. */
  | { type: 'pipeline'; compiled: CompiledPipeline }
  /** To the door: the others work with the definition that it announced. */
  | { type: 'go' }
  /** Finish what was accepted, then end. With `hurry`: end now. */
  | { type: 'stop'; hurry: boolean }

export function toWireError(error: unknown): WireError {
  if (error instanceof LandfallError) {
    return { kind: error.kind, code: error.code, message: error.message, hint: error.hint }
  }
  const message =
    error instanceof Error ? (process.env.LANDFALL_DEBUG ? error.stack! : error.message) : String(error)
  return { kind: 'bug', code: 'landfall/unexpected', message }
}

export function fromWireError({ kind, code, message, hint }: WireError): LandfallError {
  return new LandfallError(kind, code, message, hint === undefined ? {} : { hint })
}
