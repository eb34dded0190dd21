/**
 * What the door would be without a check: node:http takes a body, cuts it at line ends and appends the lines to the same log,
 * as records of the same shape, as fast as that goes. No byte of an event is looked at, and there is no receipt per event.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { uuidv7Source } from '../../src/base/ids.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { type NewRecord, recordHeader } from '../../src/model/record.ts'
import type { DoorAnswer, DoorSettings } from './door.ts'
import { childSettings, cpuSeconds, serve } from './serve.ts'

const { directory } = childSettings<DoorSettings>()
const log = await openEmbeddedLog({ directory: `${directory}/log` })
const nextId = uuidv7Source()
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { baseOffset } = await log.append(recordsOf(Buffer.concat(chunks)))
  const answer = `{"offset":${baseOffset}}\n`
  response.writeHead(200, { 'Content-Length': answer.length }).end(answer)
})

/** The plan's version and the named request headers, as the collector writes them beside each event. */
const SHARED: [string, string][] = [
  [recordHeader.plan, '0123456789abcdef'],
  [recordHeader.requestHeaders, '{"Host":"bench"}'],
]

function recordsOf(body: Buffer): NewRecord[] {
  const records: NewRecord[] = []
  const receivedAt = Date.now() * 1000
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf(10, start)
    records.push({
      key: null,
      value: body.subarray(start, end),
      receivedAt,
      headers: [['id', nextId()], ...SHARED],
    })
    start = end + 1
  }
  return records
}

await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1024, resolve))
const answer = async (): Promise<DoorAnswer> => ({
  port: (server.address() as AddressInfo).port,
  events: (await log.end()).next[0] ?? 0,
  cpuSeconds: cpuSeconds(),
})
await serve(await answer(), answer, async () => {
  server.closeAllConnections()
  server.close()
  await log[Symbol.asyncDispose]()
})
