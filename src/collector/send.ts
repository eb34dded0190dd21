import type { ServerResponse } from 'node:http'
import type { Answer } from './answers.ts'
import type { Counts } from './metrics.ts'

/** Sends an answer whole. A client that has left is no error. */
export function sendAnswer(
  response: ServerResponse,
  { status, headers, body }: Answer,
  counts?: Counts,
): void {
  if (counts !== undefined) counts.answers[(status / 100) | 0]!++
  if (response.destroyed || response.headersSent) return
  const sent: Record<string, string | number> = { ...headers }
  if (status !== 204 && status !== 304) sent['Content-Length'] = Buffer.byteLength(body)
  response.writeHead(status, sent)
  response.end(body)
}
