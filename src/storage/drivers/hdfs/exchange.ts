/**
 * One HTTP exchange. Not by `fetch`: a DataNode says `100 Continue` before it answers, whether it was asked for that or not, and fetch
 * (undici) takes it for a broken answer.
 */
import { type IncomingHttpHeaders, type IncomingMessage, request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface Exchanged {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** Rejects when the connection fails, when the answer is cut, or with the signal's reason. Follows no redirect. */
export async function exchange(
  method: string,
  url: string,
  signal: AbortSignal,
  body?: Blob,
): Promise<Exchanged> {
  const content = { 'content-type': 'application/octet-stream', 'content-length': String(body?.size) }
  const request = url.startsWith('https:') ? requestTls : requestPlain
  const outgoing = request(url, { method, signal, headers: body === undefined ? {} : content })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on('response', resolve)
    outgoing.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error))
  })
  if (body === undefined) outgoing.end()
  // A node that refuses answers without taking the whole body: then its answer counts, not the broken pipe.
  else pipeline(Readable.fromWeb(body.stream() as never), outgoing).catch(() => {})
  const answer = await answered
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  if (!answer.complete) throw new Error('the answer was cut')
  return { status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks) }
}
