import type { ServerResponse } from 'node:http'
import type { Answer } from './answers.ts'
import type { Counts } from './metrics.ts'

/** Sends an answer whole. A client that has left is no error. */
export function sendAnswer(
  response: ServerResponse,
  { status, headers, body, refused }: Answer,
  counts?: Counts,
): void {
  if (counts !== undefined) {
    counts.answers[(status / 100) | 0]!++
    if (refused !== undefined) counts.refused.request(refused, status)
  }
  if (response.destroyed || response.headersSent) return
  const bytes = Buffer.byteLength(body)
  const sent: Record<string, string | number> = { ...headers }
  if (status !== 204 && status !== 304) sent['Content-Length'] = bytes
  response.writeHead(status, sent)
  // Node writes head and body as one string; ASCII goes out fastest as Latin-1.
  response.end(body, bytes === body.length ? 'latin1' : 'utf8')
}
