/**
 * A statement as others may look at it, by its id alone: `GET /v1/query/ID` and `/ui/query.html?ID`, where `infoUri` leads. It
 * names no address under which the answer could be fetched.
 */
import type { ServerResponse } from 'node:http'
import { toWireError } from '../../trino-errors.ts'
import { sendHtml, sendJson } from './http.ts'
import type { Statement } from './statement.ts'

/** The fields of Trino's BasicQueryInfo that we know. */
export function queryInfo(statement: Statement): Record<string, unknown> {
  const { id, state, options, createdAt } = statement
  const { session } = options
  const error = statement.failure === undefined ? undefined : toWireError(statement.failure)
  const stats = statement.stats()
  return {
    queryId: id,
    session: {
      user: session.user,
      source: session.source,
      catalog: session.catalog,
      schema: session.schema,
      clientTags: session.clientTags,
    },
    state,
    query: options.sql,
    queryStats: { createTime: createdAt.toISOString(), ...stats },
    ...(error === undefined
      ? {}
      : {
          errorType: error.errorType,
          errorCode: { code: error.errorCode, name: error.errorName, type: error.errorType },
          failureInfo: error.failureInfo,
        }),
  }
}

export function sendQueryInfo(response: ServerResponse, statement: Statement): void {
  sendJson(response, queryInfo(statement))
}

export function sendQueryPage(response: ServerResponse, statement: Statement | undefined): void {
  if (!statement) {
    const text =
      '<p>No such query. The door remembers one for half a minute after its answer was fetched.</p>'
    return sendHtml(response, page('Query', text), 404)
  }
  const { id, state, options, createdAt } = statement
  const { elapsedTimeMillis, queuedTimeMillis, queuePosition, progressPercentage, processedRows } =
    statement.stats()
  const error = statement.failure === undefined ? '' : toWireError(statement.failure).message
  const rows: [string, unknown][] = [
    ['state', state === 'QUEUED' ? `QUEUED, ${String(queuePosition)} start before it` : state],
    ['user', options.session.user],
    ['source', options.session.source ?? ''],
    ['asked', createdAt.toISOString()],
    ['elapsed', `${String(elapsedTimeMillis)} ms, of these ${String(queuedTimeMillis)} ms in the queue`],
    ['progress', `${Math.floor(Number(progressPercentage))} %, ${String(processedRows)} rows`],
    ...(error === '' ? [] : ([['error', error]] as [string, string][])),
  ]
  const table = rows.map(([name, value]) => `<tr><th>${name}</th><td>${escape(String(value))}</td></tr>`)
  sendHtml(response, page(`Query ${id}`, `<table>${table.join('')}</table><pre>${escape(options.sql)}</pre>`))
}

/** What a browser finds at the address of the door. */
export function sendAboutPage(response: ServerResponse, version: string): void {
  const text = `<p>This address speaks Trino's client protocol (version ${version}). Point a Trino or Presto client at it:
the <code>trino</code> command line, JDBC, Python, Node.js, a BI tool. Catalog <code>hive</code>, schema <code>default</code>.</p>
<p><a href="/v1/info">/v1/info</a> · <a href="/healthz">/healthz</a> · <a href="/readyz">/readyz</a> · <a href="/metrics">/metrics</a></p>`
  sendHtml(response, page('Landfall SQL', text))
}

function page(title: string, body: string): string {
  const style =
    'body{font:16px/1.5 system-ui,sans-serif;margin:3em auto;max-width:46em;padding:0 1em}th{text-align:left;padding-right:1.5em;vertical-align:top}pre{white-space:pre-wrap;background:#8882;padding:1em}'
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${style}</style></head><body><h1>${title}</h1>${body}</body></html>\n`
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
