/**
 * An HTTP proxy that stands before a real server and fails as networks and servers do: before the request was applied, after it,
 * with an answer that is lost, late or cut. Requests pass as they are, `Host` included, so signatures hold.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Fault =
  /** This status, and the server never hears of the request. */
  | { status: number }
  /** The server does it, and the client gets this status. */
  | { statusAfter: number }
  /** The connection ends before the request is passed on. */
  | 'drop'
  /** The server does it, and the connection ends without an answer. */
  | 'drop-after'
  /** The answer's body ends in its middle. */
  | 'cut'
  | { delayMs: number }

export interface ProxiedRequest {
  method: string
  /** With its query. */
  path: string
  headers: IncomingHttpHeaders
  /** Counted from 1. */
  number: number
}

export interface FaultProxy {
  /** `127.0.0.1:<port>` */
  address: string
  /** What happens to a request; undefined: nothing. May be changed at any time. */
  fault: (request: ProxiedRequest) => Fault | undefined
  /** Rewrites a `Location` that would lead around the proxy. */
  redirect: (location: string) => string
  /** Where requests of this path go; default: the target. */
  route: (request: ProxiedRequest) => string | undefined
  requests: ProxiedRequest[]
  [Symbol.asyncDispose](): Promise<void>
}

/** `target`: `host:port`. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const server = createServer((incoming, outgoing) => {
    const request: ProxiedRequest = {
      method: incoming.method!,
      path: incoming.url!,
      headers: incoming.headers,
      number: proxy.requests.length + 1,
    }
    proxy.requests.push(request)
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', () => outgoing.destroy())
    incoming.on('end', () => {
      pass(proxy, target, request, incoming.rawHeaders, Buffer.concat(chunks), outgoing).catch(() =>
        outgoing.destroy(),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: FaultProxy = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: () => undefined,
    redirect: (location) => location,
    route: () => undefined,
    requests: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}

async function pass(
  proxy: FaultProxy,
  target: string,
  request: ProxiedRequest,
  rawHeaders: string[],
  body: Buffer,
  outgoing: ServerResponse,
): Promise<void> {
  const fault = proxy.fault(request)
  if (fault === 'drop') return void outgoing.destroy()
  if (typeof fault === 'object' && 'status' in fault) return void outgoing.writeHead(fault.status).end()
  if (typeof fault === 'object' && 'delayMs' in fault) await sleep(fault.delayMs)
  const answer = await exchange(proxy.route(request) ?? target, request, rawHeaders, body)
  if (fault === 'drop-after') return void outgoing.destroy()
  if (typeof fault === 'object' && 'statusAfter' in fault)
    return void outgoing.writeHead(fault.statusAfter).end()
  const { location } = answer.headers
  const headers = {
    ...answer.headers,
    ...(location === undefined ? {} : { location: proxy.redirect(location) }),
  }
  outgoing.writeHead(answer.status, headers)
  if (fault !== 'cut') return void outgoing.end(answer.body)
  outgoing.write(answer.body.subarray(0, Math.floor(answer.body.length / 2)), () => outgoing.destroy())
}

function exchange(
  target: string,
  { method, path }: ProxiedRequest,
  rawHeaders: string[],
  body: Buffer,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
  const [host, port] = target.split(':')
  const headers = rawHeaders.flatMap((name, i) => {
    if (i % 2 === 1 || /^(connection|transfer-encoding|expect|content-length)$/i.test(name)) return []
    return [[name, rawHeaders[i + 1]!] as const]
  })
  const length =
    body.length > 0 || method === 'PUT' || method === 'POST' ? { 'content-length': String(body.length) } : {}
  return new Promise((resolve, reject) => {
    const all = { ...Object.fromEntries(headers), ...length }
    const outgoing = send({ host, port, method, path, headers: all, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks) }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
