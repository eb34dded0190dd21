/** The protocol as the smallest client speaks it, with every header in the open. */
import type { WireResults } from '../../../src/sql/trino-protocol.ts'

export interface Asked {
  last: WireResults
  rows: unknown[][]
  headers: Headers
}

export async function post(
  url: string,
  sql: string,
  headers: Record<string, string> = {},
): Promise<WireResults> {
  const response = await fetch(`${url}/v1/statement`, {
    method: 'POST',
    body: sql,
    headers: { 'X-Trino-User': 'ada', 'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME', ...headers },
  })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as WireResults
}

export async function ask(url: string, sql: string, headers: Record<string, string> = {}): Promise<Asked> {
  let last = await post(url, sql, headers)
  let answered = new Headers()
  const rows: unknown[][] = []
  while (last.nextUri) {
    const response = await fetch(last.nextUri)
    answered = response.headers
    last = (await response.json()) as WireResults
    rows.push(...(last.data ?? []))
  }
  return { last, rows, headers: answered }
}
