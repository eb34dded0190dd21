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

/**
 * SQL text over relations: `query` makes it of the names that they have in it. While Spark plans such a statement, the relations are views
 * of the session, and statements of a session are planned side by side: under one name, one of them would read what another one is to
 * read. So no two ever have the same name.
 */
export function sqlOver<Name extends string>(
  relations: Readonly<Record<Name, Relation>>,
  query: (names: Readonly<Record<Name, string>>) => string,
): Relation {
  const names = {} as Record<Name, string>
  const references = (Object.entries(relations) as [Name, Relation][]).map(([name, input]) => {
    const reference = planned({ subquery_alias: { input, alias: `${name}_${plans + 1}` } })
    names[name] = reference.subquery_alias!.alias
    return reference
  })
  return planned({ with_relations: { root: planned({ sql: { query: query(names) } }), references } })
}
