/**
 * The messages of Spark Connect that we send and read, as protobufjs describes them: only the fields we use, with the numbers of
 * the protocol of Spark 4.1 (spark/connect/{base,commands,relations}.proto; a reader skips fields it does not know).
 */

/** `string name 1`, `repeated string names 2`, `map string options 3` */
type Field = string
interface Message {
  fields: Field[]
  nested?: Record<string, Message>
}

const ASKING = ['string session_id 1', 'UserContext user_context 2']
/** With it the server refuses to make a new session silently where it has forgotten ours. */
const observed = (id: number) => `string client_observed_server_side_session_id ${id}`

const MESSAGES: Record<string, Message> = {
  UserContext: { fields: ['string user_id 1', 'string user_name 2'] },
  Plan: { fields: ['Relation root 1', 'Command command 2'] },
  Relation: {
    fields: [
      'RelationCommon common 1',
      'Read read 2',
      'SQL sql 10',
      'LocalRelation local_relation 11',
      'SubqueryAlias subquery_alias 16',
      'WithRelations with_relations 41',
    ],
  },
  RelationCommon: { fields: ['int64 plan_id 2'] },
  Read: {
    fields: ['NamedTable named_table 1', 'DataSource data_source 2', 'bool is_streaming 3'],
    nested: {
      NamedTable: { fields: ['string unparsed_identifier 1', 'map string options 2'] },
      DataSource: { fields: ['string format 1', 'string schema 2', 'map string options 3'] },
    },
  },
  SQL: { fields: ['string query 1'] },
  LocalRelation: { fields: ['bytes data 1', 'string schema 2'] },
  SubqueryAlias: { fields: ['Relation input 1', 'string alias 2'] },
  WithRelations: { fields: ['Relation root 1', 'repeated Relation references 2'] },
  Command: {
    fields: [
      'CreateDataFrameViewCommand create_dataframe_view 3',
      'SqlCommand sql_command 5',
      'WriteStreamOperationStart write_stream_operation_start 6',
      'StreamingQueryCommand streaming_query_command 7',
      'StreamingQueryManagerCommand streaming_query_manager_command 9',
    ],
  },
  CreateDataFrameViewCommand: {
    fields: ['Relation input 1', 'string name 2', 'bool is_global 3', 'bool replace 4'],
  },
  SqlCommand: { fields: ['Relation input 6'] },
  WriteStreamOperationStart: {
    fields: [
      'Relation input 1',
      'string format 2',
      'map string options 3',
      'string processing_time_interval 5',
      'bool available_now 6',
      'string output_mode 9',
      'string query_name 10',
      'string table_name 12',
    ],
  },
  WriteStreamOperationStartResult: { fields: ['StreamingQueryInstanceId query_id 1', 'string name 2'] },
  StreamingQueryInstanceId: { fields: ['string id 1', 'string run_id 2'] },
  StreamingQueryCommand: {
    fields: [
      'StreamingQueryInstanceId query_id 1',
      'bool status 2',
      'bool last_progress 3',
      'bool recent_progress 4',
      'bool stop 5',
      'bool process_all_available 6',
      'bool exception 8',
      'AwaitTermination await_termination 9',
    ],
    nested: { AwaitTermination: { fields: ['int64 timeout_ms 2'] } },
  },
  StreamingQueryCommandResult: {
    fields: [
      'StreamingQueryInstanceId query_id 1',
      'Status status 2',
      'Progress recent_progress 3',
      'Exception exception 5',
      'AwaitTermination await_termination 6',
    ],
    nested: {
      Status: {
        fields: [
          'string status_message 1',
          'bool is_data_available 2',
          'bool is_trigger_active 3',
          'bool is_active 4',
        ],
      },
      Progress: { fields: ['repeated string recent_progress_json 5'] },
      Exception: { fields: ['string exception_message 1', 'string error_class 2'] },
      AwaitTermination: { fields: ['bool terminated 1'] },
    },
  },
  StreamingQueryManagerCommand: { fields: ['bool active 1'] },
  StreamingQueryManagerCommandResult: {
    fields: ['Active active 1'],
    nested: {
      Active: { fields: ['repeated Instance active_queries 1'] },
      Instance: { fields: ['StreamingQueryInstanceId id 1', 'string name 2'] },
    },
  },
  ReattachOptions: { fields: ['bool reattachable 1'] },
  ExecutePlanRequest: {
    fields: [
      ...ASKING,
      observed(8),
      'Plan plan 3',
      'string client_type 4',
      'repeated RequestOption request_options 5',
      'string operation_id 6',
    ],
    nested: { RequestOption: { fields: ['ReattachOptions reattach_options 1'] } },
  },
  ReattachExecuteRequest: {
    fields: [
      ...ASKING,
      observed(6),
      'string operation_id 3',
      'string client_type 4',
      'string last_response_id 5',
    ],
  },
  ReleaseExecuteRequest: {
    fields: [
      ...ASKING,
      observed(7),
      'string operation_id 3',
      'string client_type 4',
      'ReleaseAll release_all 5',
    ],
    nested: { ReleaseAll: { fields: [] } },
  },
  ReleaseExecuteResponse: { fields: ['string session_id 1'] },
  ExecutePlanResponse: {
    fields: [
      'string session_id 1',
      'ArrowBatch arrow_batch 2',
      'SqlCommandResult sql_command_result 5',
      'WriteStreamOperationStartResult write_stream_operation_start_result 8',
      'StreamingQueryCommandResult streaming_query_command_result 9',
      'StreamingQueryManagerCommandResult streaming_query_manager_command_result 11',
      'string response_id 13',
      'ResultComplete result_complete 14',
      'string server_side_session_id 15',
    ],
    nested: {
      ArrowBatch: { fields: ['int64 row_count 1', 'bytes data 2'] },
      SqlCommandResult: { fields: ['Relation relation 1'] },
      ResultComplete: { fields: [] },
    },
  },
  AnalyzePlanRequest: {
    fields: [...ASKING, observed(17), 'string client_type 3', 'SparkVersion spark_version 10'],
    nested: { SparkVersion: { fields: [] } },
  },
  AnalyzePlanResponse: {
    fields: ['SparkVersion spark_version 8', 'string server_side_session_id 15'],
    nested: { SparkVersion: { fields: ['string version 1'] } },
  },
  KeyValue: { fields: ['string key 1', 'string value 2'] },
  ConfigRequest: {
    fields: [...ASKING, observed(8), 'Operation operation 3', 'string client_type 4'],
    nested: {
      Operation: { fields: ['Set set 1', 'GetOption get_option 4', 'Unset unset 6'] },
      Set: { fields: ['repeated KeyValue pairs 1'] },
      GetOption: { fields: ['repeated string keys 1'] },
      Unset: { fields: ['repeated string keys 1'] },
    },
  },
  ConfigResponse: { fields: ['repeated KeyValue pairs 2', 'string server_side_session_id 4'] },
  /** `interrupt_type` is 1 for all operations of the session, 3 for one. */
  InterruptRequest: {
    fields: [
      ...ASKING,
      observed(7),
      'string client_type 3',
      'int32 interrupt_type 4',
      'string operation_id 6',
    ],
  },
  InterruptResponse: { fields: ['repeated string interrupted_ids 2'] },
  ReleaseSessionRequest: { fields: [...ASKING, 'string client_type 3'] },
  ReleaseSessionResponse: { fields: ['string session_id 1'] },
  FetchErrorDetailsRequest: { fields: [...ASKING, observed(5), 'string error_id 3', 'string client_type 4'] },
  FetchErrorDetailsResponse: {
    fields: ['int32 root_error_idx 1', 'repeated Error errors 2'],
    nested: {
      Error: {
        fields: [
          'repeated string error_type_hierarchy 1',
          'string message 2',
          'int32 cause_idx 4',
          'SparkThrowable spark_throwable 5',
        ],
      },
      SparkThrowable: { fields: ['string error_class 1', 'string sql_state 4'] },
    },
  },
}

/** What gRPC's `grpc-status-details-bin` holds (google/rpc/{status,error_details}.proto). */
const STATUS: Record<string, Message> = {
  Status: {
    fields: ['int32 code 1', 'string message 2', 'repeated Detail details 3'],
    nested: { Detail: { fields: ['string type_url 1', 'bytes value 2'] } },
  },
  ErrorInfo: { fields: ['string reason 1', 'string domain 2', 'map string metadata 3'] },
}

const CALLS = {
  ExecutePlan: ['ExecutePlanRequest', 'ExecutePlanResponse', true],
  ReattachExecute: ['ReattachExecuteRequest', 'ExecutePlanResponse', true],
  ReleaseExecute: ['ReleaseExecuteRequest', 'ReleaseExecuteResponse', false],
  AnalyzePlan: ['AnalyzePlanRequest', 'AnalyzePlanResponse', false],
  Config: ['ConfigRequest', 'ConfigResponse', false],
  Interrupt: ['InterruptRequest', 'InterruptResponse', false],
  ReleaseSession: ['ReleaseSessionRequest', 'ReleaseSessionResponse', false],
  FetchErrorDetails: ['FetchErrorDetailsRequest', 'FetchErrorDetailsResponse', false],
} as const

/** For `fromJSON` of @grpc/proto-loader. `landfall.Details` is no service: its method reads the bytes of a status. */
export function describeMessages(): object {
  const methods = Object.fromEntries(
    Object.entries(CALLS).map(([name, [requestType, responseType, responseStream]]) => [
      name,
      { requestType, responseType, ...(responseStream ? { responseStream } : {}) },
    ]),
  )
  const reading = { Read: { requestType: 'Status', responseType: 'ErrorInfo' } }
  return {
    nested: {
      spark: { nested: { connect: { nested: { ...all(MESSAGES), SparkConnectService: { methods } } } } },
      landfall: { nested: { ...all(STATUS), Details: { methods: reading } } },
    },
  }
}

function all(messages: Record<string, Message>): Record<string, object> {
  return Object.fromEntries(Object.entries(messages).map(([name, message]) => [name, describe(message)]))
}

function describe({ fields, nested }: Message): object {
  return {
    fields: Object.fromEntries(fields.map(describeField)),
    ...(nested ? { nested: all(nested) } : {}),
  }
}

function describeField(field: Field): [string, object] {
  const words = field.split(' ')
  const id = Number(words.pop())
  const name = words.pop()!
  const type = words.pop()!
  if (words[0] === 'map') return [name, { keyType: 'string', type, id }]
  return [name, words[0] === 'repeated' ? { rule: 'repeated', type, id } : { type, id }]
}
