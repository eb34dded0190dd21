import { DuckDBInstance } from '@duckdb/node-api'
import { checkEvent } from '../../src/model/check-event.ts'
import type { Column, ColumnType } from '../../src/model/columns.ts'
import type { Pipeline, RouteAnswer } from '../../src/model/definition.ts'
import { canonicalHeader } from '../../src/model/headers.ts'
import { parseRoutePattern } from '../../src/model/route-pattern.ts'

type Event = { event_type: string } & Record<string, unknown>
type Handler = (request: object, context: object) => RouteAnswer

/**
 * The functions of a pipeline file without its rooms: requests run handlers and reducer, events are judged by the plan, and
 * rows of the tables are put into DuckDB, so that its questions can be asked.
 */
export class ExampleRun {
  readonly events: { event: Event; micros: number }[] = []
  readonly #states = new Map<string, unknown>()
  readonly #pipeline: Pipeline

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline
  }

  /** Runs the handler of a request with the headers that Apache Bench sends. */
  request(host: string, method: string, path: string, body?: unknown): RouteAnswer {
    const headers: Record<string, string> = { host, accept: '*/*', 'user-agent': 'ApacheBench/2.3' }
    if (body !== undefined) {
      headers['content-type'] = 'application/json'
      headers['content-length'] = String(JSON.stringify(body).length)
    }
    const { handler, params } = this.#route(method, path)
    const { state } = this.#pipeline.definition
    const request = { method, path, params, query: {}, headers, body }
    const key = state?.key?.(request) ?? ''
    const track = (event: string, properties: object) => this.#track(event, properties, headers, key)
    const states = this.#states
    return handler(request, {
      track,
      get state() {
        return states.has(key) ? states.get(key) : state?.initial
      },
    })
  }

  /** The answer of each question, as rows of texts. */
  async answers(): Promise<Record<string, string[][]>> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    await connection.run("SET TimeZone = 'UTC'")
    for (const table of this.#pipeline.compiled.tables) {
      const columns = table.columns.map((column) => `"${column.name}" ${duckdbType(column.type)}`)
      await connection.run(`CREATE TABLE ${table.name} (${columns.join(', ')})`)
      const rows = this.events.filter(({ event }) => table.events.includes(event.event_type))
      const values = rows.map((row) => `(${table.columns.map((column) => literal(column, row)).join(', ')})`)
      if (values.length > 0) await connection.run(`INSERT INTO ${table.name} VALUES ${values.join(', ')}`)
    }
    const answers: Record<string, string[][]> = {}
    for (const question of this.#pipeline.compiled.questions) {
      const reader = await connection.runAndReadAll(question.sql)
      answers[question.name] = reader.getRows().map((row) => row.map(String))
    }
    connection.closeSync()
    return answers
  }

  #route(method: string, path: string): { handler: Handler; params: Record<string, string> } {
    const parts = path === '/' ? [] : path.slice(1).split('/')
    for (const [key, route] of Object.entries(this.#pipeline.definition.routes ?? {})) {
      const pattern = parseRoutePattern(key)
      if (pattern.method !== method || pattern.segments.length !== parts.length) continue
      const params: Record<string, string> = {}
      const fits = pattern.segments.every((segment, i) => {
        if ('literal' in segment) return segment.literal === parts[i]
        params[segment.parameter] = parts[i]!
        return true
      })
      if (fits) return { handler: (typeof route === 'function' ? route : route.handler) as Handler, params }
    }
    throw new Error(`no route ${method} ${path}`)
  }

  #track(name: string, properties: object, headers: Record<string, string>, key: string): string {
    const event: Event = { event_type: name, ...properties }
    for (const [header, value] of Object.entries(headers)) {
      const canonical = canonicalHeader(header)
      if (this.#pipeline.compiled.headers.includes(canonical)) event[canonical] = value
    }
    const fault = checkEvent(this.#pipeline.compiled.plan, JSON.stringify(event))
    if (fault) throw new Error(`the handler made an event that does not fit: ${JSON.stringify(fault)}`)
    const { state } = this.#pipeline.definition
    if (state) this.#states.set(key, state.reduce(this.#states.get(key) ?? state.initial, event))
    this.events.push({ event, micros: 1_700_000_000_000_000 + this.events.length })
    return String(this.events.length)
  }
}

function duckdbType(type: ColumnType): string {
  const names: Record<string, string> = {
    string: 'VARCHAR',
    json: 'VARCHAR',
    long: 'BIGINT',
    timestamptz: 'TIMESTAMPTZ',
  }
  return names[type] ?? type
}

function literal({ source, type }: Column, { event, micros }: { event: Event; micros: number }): string {
  if (source.from === 'timestamp') return `make_timestamptz(${micros})`
  const values: Record<string, unknown> = { raw_event: JSON.stringify(event), event_type: event.event_type }
  const value =
    source.from === 'property'
      ? event[source.property]
      : source.from === 'header'
        ? event[source.header]
        : values[source.from]
  if (value === undefined || value === null) return 'NULL'
  return `CAST('${String(value).replaceAll("'", "''")}' AS ${duckdbType(type)})`
}
