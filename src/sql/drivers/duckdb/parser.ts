/**
 * DuckDB's own parser as a service: text in, syntax tree out, nothing run. It lives in an instance of its own that has no tables,
 * no files and no settings to change, and only statements that select can be serialized at all.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { LandfallError } from '../../../base/errors.ts'
import type { TranslatedText } from './dialect/translate.ts'
import { placeOf } from './duckdb-errors.ts'
import { EXPRESSION_DEPTH_MAX, SEALED_CONFIG } from './seal.ts'

/** A node of DuckDB's serialized tree: expressions have a `class`, everything has a `type`. */
export type TreeNode = { [key: string]: unknown }

interface Serialized {
  error: boolean
  error_type?: string
  error_message?: string
  position?: string
  statements?: { node: TreeNode }[]
}

export class StatementParser {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  /** One text at a time: a connection is not for two. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance
    this.#connection = connection
  }

  static async open(): Promise<StatementParser> {
    const instance = await DuckDBInstance.create(':memory:', {
      ...SEALED_CONFIG,
      threads: '1',
      memory_limit: '512MB',
    })
    const connection = await instance.connect()
    await connection.run(`SET GLOBAL max_expression_depth = ${EXPRESSION_DEPTH_MAX}`)
    await connection.run('SET GLOBAL enable_external_access = false')
    await connection.run('SET GLOBAL lock_configuration = true')
    return new StatementParser(instance, connection)
  }

  /** The tree of the one statement a text holds. Throws `sql/syntax` with the place, `sql/not-allowed` for what does not select. */
  async parse(text: Pick<TranslatedText, 'sql' | 'place'>): Promise<TreeNode> {
    const parsed = this.#last.then(() => this.#serialize(text.sql))
    this.#last = parsed.catch(() => {})
    const answer = await parsed
    if (answer.error) throw refusal(answer, text)
    const statements = answer.statements ?? []
    if (statements.length !== 1) {
      const message =
        statements.length === 0
          ? 'SQL statement is empty'
          : `expected one statement, found ${statements.length}`
      throw new LandfallError('fix-request', 'sql/syntax', message, { details: { line: 1, column: 1 } })
    }
    return statements[0]!.node
  }

  async #serialize(sql: string): Promise<Serialized> {
    const prepared = await this.#connection.prepare('SELECT json_serialize_sql($1::VARCHAR) AS tree')
    try {
      prepared.bindVarchar(1, sql)
      const reader = await prepared.runAndReadAll()
      return JSON.parse(String(reader.getRows()[0]![0])) as Serialized
    } finally {
      prepared.destroySync()
    }
  }

  close(): void {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }
}

function refusal(answer: Serialized, text: Pick<TranslatedText, 'place'>): LandfallError {
  const message = answer.error_message ?? 'the statement cannot be parsed'
  const details = placeOf(answer.position, { place: text.place, prefixBytes: 0 })
  if (answer.error_type === 'not implemented' && message.startsWith('Only SELECT')) {
    return new LandfallError('fix-request', 'sql/not-allowed', 'only statements that read are run here', {
      hint: 'Use SELECT, WITH, VALUES, SHOW, DESCRIBE or EXPLAIN',
      details: { line: 1, column: 1 },
    })
  }
  if (/^Max expression depth|^memory exhausted/.test(message)) {
    return new LandfallError('fix-request', 'sql/too-complex', 'the statement is nested too deeply', {
      hint: `Nest at most ${EXPRESSION_DEPTH_MAX} levels`,
      details,
    })
  }
  const code = answer.error_type === 'not implemented' ? 'sql/not-supported' : 'sql/syntax'
  return new LandfallError('fix-request', code, message.split('\n', 1)[0]!, { details })
}
