/** What node:http can do at all: answers every request with the same few bytes. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from './serve.ts'

const body = Buffer.from('hello\n')
const headers = { 'Content-Type': 'text/plain', 'Content-Length': body.length }
const server = createServer({ keepAliveTimeout: 75_000 }, (_request, response) => {
  response.writeHead(200, headers)
  response.end(body)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1024, resolve))
await serve(
  { port: (server.address() as AddressInfo).port },
  () => ({ port: 0 }),
  async () => {
    server.closeAllConnections()
    server.close()
  },
)
