/** Relations and answers of Spark Connect as plain data; `messages.ts` has their fields. */
export interface Relation {
  common?: { plan_id: number }
  read?: {
    is_streaming: boolean
    data_source?: { format: string; options: Record<string, string> }
    named_table?: { unparsed_identifier: string; options?: Record<string, string> }
  }
  sql?: { query: string }
  local_relation?: { data?: Uint8Array; schema?: string }
  subquery_alias?: { input: Relation; alias: string }
  with_relations?: { root: Relation; references: Relation[] }
}

export interface QueryId {
  id: string
  run_id: string
}

/** One answer of an operation. */
export interface Reply {
  response_id?: string
  server_side_session_id?: string
  arrow_batch?: { data?: Uint8Array }
  sql_command_result?: { relation?: Relation }
  write_stream_operation_start_result?: { query_id: QueryId; name?: string }
  streaming_query_command_result?: {
    status?: {
      status_message?: string
      is_data_available?: boolean
      is_trigger_active?: boolean
      is_active?: boolean
    }
    recent_progress?: { recent_progress_json?: string[] }
    exception?: { exception_message?: string; error_class?: string }
    await_termination?: { terminated?: boolean }
  }
  streaming_query_manager_command_result?: { active?: { active_queries?: { id: QueryId; name?: string }[] } }
  result_complete?: object
}

let plans = 0

/** Each relation of a plan has an id of its own. */
function planned(relation: Relation): Relation {
  plans += 1
  return { common: { plan_id: plans }, ...relation }
}

export function readSource(format: string, options: Record<string, string>, streaming: boolean): Relation {
  return planned({ read: { is_streaming: streaming, data_source: { format, options } } })
}

/** SQL text over relations that it names. */
export function sqlOver(query: string, relations: Record<string, Relation>): Relation {
  const references = Object.entries(relations).map(([alias, input]) =>
    planned({ subquery_alias: { input, alias } }),
  )
  return planned({ with_relations: { root: planned({ sql: { query } }), references } })
}
