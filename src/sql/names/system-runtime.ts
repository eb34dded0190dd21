/** `system.runtime`: this process and its statements, with Trino's columns. */
import type { Value } from '../sql.ts'
import { SERVER_VERSION } from '../trino-protocol.ts'
import type { QueryInfo } from './contents.ts'
import { columnsOf, emptyTable, type MetadataTable } from './metadata-table.ts'

const TIME = 'timestamp(3) with time zone'

export const systemRuntime: Readonly<Record<string, MetadataTable>> = {
  nodes: {
    columns: columnsOf('node_id, http_uri, node_version, coordinator boolean, state'),
    // The engine does not know under which addresses it is asked.
    rows: () => [['landfall', null, SERVER_VERSION, true, 'active']],
  },
  optimizer_rule_stats: emptyTable(
    'rule_name, invocations bigint, matches bigint, failures bigint, average_time double',
  ),
  queries: {
    columns: columnsOf(
      `query_id, state, user, source, query, resource_group_id array(varchar), queued_time_ms bigint, analysis_time_ms bigint,
       planning_time_ms bigint, created ${TIME}, started ${TIME}, last_heartbeat ${TIME}, end ${TIME}, error_type, error_code`,
    ),
    rows: (contents) => contents.queries().map(queryRow),
  },
  tasks: emptyTable(
    `node_id, task_id, stage_id, query_id, state, splits bigint, queued_splits bigint, running_splits bigint,
     completed_splits bigint, split_scheduled_time_ms bigint, split_cpu_time_ms bigint, split_blocked_time_ms bigint,
     raw_input_bytes bigint, raw_input_rows bigint, processed_input_bytes bigint, processed_input_rows bigint,
     output_bytes bigint, output_rows bigint, physical_input_bytes bigint, physical_written_bytes bigint,
     created ${TIME}, start ${TIME}, last_heartbeat ${TIME}, end ${TIME}`,
  ),
  transactions: emptyTable(
    `transaction_id, isolation_level, read_only boolean, auto_commit_context boolean, create_time ${TIME}, idle_time_secs bigint,
     written_catalog, catalogs array(varchar)`,
  ),
}

function queryRow(query: QueryInfo): Value[] {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  const times = [query.created, query.started, query.ended ?? Date.now(), query.ended].map(time)
  return [
    query.id,
    query.state,
    query.user,
    query.source,
    query.sql,
    ['global'],
    query.queuedMs,
    0,
    0,
    ...times,
    query.errorType,
    query.errorName,
  ]
}
