import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import pipeline from '../../examples/express/pipeline.ts'
import { openCollector } from '../../src/collector/collector.ts'
import { createMemoryLog } from '../../src/log/drivers/memory.ts'
import type { EventLog } from '../../src/log/log.ts'
import { checkEvent } from '../../src/model/check-event.ts'

async function readEvents(log: EventLog): Promise<Record<string, unknown>[]> {
  const events: Record<string, unknown>[] = []
  for await (const { records } of log.read({ follow: false })) {
    for (const { value } of records) {
      expect(checkEvent(pipeline.compiled.plan, value.toString())).toBeNull()
      const { event_id: _id, ...event } = JSON.parse(value.toString()) as Record<string, unknown>
      events.push(event)
    }
  }
  return events
}

test('every answer of the shop is an event, as the plan says, and the shop answers as before', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'landfall-express-'))
  await using log = createMemoryLog()
  await using collector = await openCollector({
    pipeline,
    log,
    host: '127.0.0.1',
    port: 0,
    stateDirectory: directory,
  })
  process.env['LANDFALL_URL'] = collector.address
  const { app, tracker } = await import('../../examples/express/app.ts')
  const server: Server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const shop = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const order = (user: string, body: object) =>
    fetch(`${shop}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user': user },
      body: JSON.stringify(body),
    })

  for (let i = 0; i < 20; i++)
    expect((await fetch(`${shop}/products/sword`, { headers: { 'x-user': 'ada' } })).status).toBe(200)
  expect(await (await order('bob', { product: 'shield', quantity: 2 })).json()).toEqual({
    product: 'shield',
    quantity: 2,
    total: 28,
  })
  expect((await order('bob', { product: 'shield' })).status).toBe(400)
  expect((await fetch(`${shop}/products/spoon`)).status).toBe(404)

  expect(await tracker.close()).toMatchObject({ tracked: 23, accepted: 23, rejected: 0, dropped: 0 })
  const events = await readEvents(log)
  const call = (user: string, method: string, path: string, status: number) => ({
    event_type: 'api_call',
    user,
    method,
    path,
    status,
  })
  expect(events).toEqual([
    ...Array.from({ length: 20 }, () => call('ada', 'GET', '/products/sword', 200)),
    call('bob', 'POST', '/orders', 201),
    call('bob', 'POST', '/orders', 400),
    call('anonymous', 'GET', '/products/spoon', 404),
  ])
  server.closeAllConnections()
  server.close()
  await rm(directory, { recursive: true, force: true })
})

test('the instrumentation is under ten lines, and no route knows of it', async () => {
  const lines = (await readFile(new URL('../../examples/express/app.ts', import.meta.url), 'utf8')).split(
    '\n',
  )
  const marks = lines.flatMap((line, i) =>
    /^\/\/ \+\d+ lines$/.test(line) ? [{ at: i, count: Number(/\d+/.exec(line)![0]) }] : [],
  )
  expect(marks.reduce((sum, { count }) => sum + count, 0)).toBeLessThan(10)
  const added = new Set(marks.flatMap(({ at, count }) => Array.from({ length: count }, (_, i) => at + 1 + i)))
  const before = lines.filter((_, i) => !added.has(i)).join('\n')
  expect(before).not.toMatch(/tracker|createTracker|landfall\/client|pipeline/)
  expect(before).toContain("app.get('/products'")
})
