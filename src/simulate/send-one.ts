/** Sends a single request over an agent's connections, for whoever wants to see the whole answer's head. */
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { SimulatedRequest } from './requests.ts'

const ANSWER_MS_MAX = 30_000

/** Whose certificate it must be: of the address, and not of the `Host` that a player sends. */
function serverName(url: string): string {
  const { hostname } = new URL(url)
  return isIP(hostname.replace(/^\[|\]$/g, '')) ? '' : hostname
}

export interface Answered {
  status: number
  bytes: number
  headers: IncomingHttpHeaders
}

/** Rejects when there is no whole answer. */
export function sendOne(
  url: string,
  { method, path, headers, body }: SimulatedRequest,
  agent: Agent,
): Promise<Answered> {
  return new Promise<Answered>((resolve, reject) => {
    const send = url.startsWith('https:') ? tlsRequest : request
    const outgoing = send(
      `${url}${path}`,
      { method, headers, agent, timeout: ANSWER_MS_MAX, servername: serverName(url) },
      (answer) => {
        readAnswer(answer, resolve, reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)))
    outgoing.end(body)
  })
}

function readAnswer(
  answer: IncomingMessage,
  resolve: (value: Answered) => void,
  reject: (error: Error) => void,
): void {
  let bytes = 0
  answer.on('data', (chunk: Buffer) => (bytes += chunk.length))
  answer.on('error', reject)
  answer.on('end', () => resolve({ status: answer.statusCode ?? 0, bytes, headers: answer.headers }))
}
