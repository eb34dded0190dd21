/**
 * The dashboard: what happens in the pipeline, as one page.
 *
 * Promises:
 * - It changes nothing: no event, table or file of the pipeline. Dead letters are healed at the command line; the page only shows what
 *   a repair would do.
 * - It is told by files that the processes publish for each other, so no process knows of it, and it shows what is true while any of
 *   them is dead.
 * - Nobody looks, nothing happens: without an open page nothing is read, and the SQL engine sleeps until somebody asks a question. A page
 *   that is open is told what changed, and asks for nothing by itself.
 * - Who may ask is the address's to decide (`base/access.ts`); an action is taken from the page itself only, and from no other site.
 * - The page loads nothing from elsewhere, and its scripts and styles are files of its own.
 *
 *   GET  /                            the page, and below /ui/page/ its modules and styles
 *   GET  /ui/api/about                the pipeline, and who asks
 *   GET  /ui/api/flow                 server-sent events: `flow`, `failed`
 *   GET  /ui/api/tail?type=&text=     server-sent events: `events`
 *   GET  /ui/api/tables[/NAME]
 *   GET  /ui/api/names                for completion
 *   POST /ui/api/downloads            {sql, format} → a file; GET /ui/api/downloads/ID fetches it
 *   POST /ui/api/analyses             {kind, …} → the statement that answers it
 *   POST /ui/api/repairs              {repair, filter} → what it would heal
 *
 * Questions go the way of every other client: `POST /v1/statement`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../base/access.ts'
import type { Lake } from '../lake/lake.ts'
import type { LogReader } from '../log/log.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'
import type { SqlEngine } from '../sql/sql.ts'
import { DashboardServer } from './dashboard-server.ts'
import type { RepairPreview } from './messages.ts'
import type { FlowSources } from './sources.ts'

export interface DashboardParts {
  pipeline: CompiledPipeline
  /** Of Landfall. */
  version: string
  topic: string
  engine: SqlEngine
  lake: Lake
  log: LogReader
  sources: FlowSources
  /** Undefined: repairs are not shown here. */
  repairs: Repairs | undefined
}

/** Which letters a preview looks at; what is absent does not matter. */
export interface LetterChoice {
  reason?: string
  field?: string
  event?: string
}

/** Dry runs of repairs that lie beside the pipeline file. Whatever the function in one does, it harms nobody but its own run. */
export interface Repairs {
  /** Names of files. */
  list(): Promise<string[]>
  /** `name`: one of the list; null: no function, the letters are judged by the present plan as they stand. */
  preview(name: string | null, choice: LetterChoice, signal: AbortSignal): Promise<RepairPreview>
}

export interface Dashboard extends AsyncDisposable {
  /** Answers `/` and everything below `/ui/`. Never throws. */
  serve(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void>
}

export function createDashboard(parts: DashboardParts): Dashboard {
  return new DashboardServer(parts)
}
