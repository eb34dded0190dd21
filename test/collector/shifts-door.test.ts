import { Agent, request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { game, opened, stored } from './support.ts'

const CLIENTS = 60
const REQUESTS_OF_EACH = 40

interface Said {
  status: number
  text: string
}

function send(url: string, agent: Agent, body?: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', agent }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => (text += part))
      answer.on('end', () => resolve({ status: answer.statusCode!, text })).on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

// The door and its clients share one process, so that it has no time to spare while they send.
test('a busy door serves all connections in shifts: each event is answered, and there once', async () => {
  const settings = { shiftPlacesMin: 2, shiftMs: 20, shiftWaitMs: 200 }
  const { collector, log } = await opened(game, { settings })
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  const aside = new Agent({ keepAlive: true })
  onTestFinished(() => {
    agent.destroy()
    aside.destroy()
  })
  const answered: string[] = []
  let sending = true
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let i = 0; i < REQUESTS_OF_EACH; i++) {
      const id = `${client}-${i}`
      const body = JSON.stringify({ event_type: 'default', event_id: id })
      const byRoute = client % 2 === 0
      const said = await send(
        `${collector.address}${byRoute ? '/' : '/v1/events'}`,
        agent,
        byRoute ? undefined : body,
      )
      expect(said.status).toBe(200)
      if (!byRoute) answered.push(id)
    }
  })
  let waitingMost = 0
  const watching = (async () => {
    while (sending) {
      const { text } = await send(`${collector.address}/metrics`, aside)
      const waiting = Number(/^landfall_collector_requests_waiting (\d+)/m.exec(text)![1])
      waitingMost = Math.max(waitingMost, waiting)
    }
  })()
  await Promise.all(clients)
  sending = false
  await watching
  expect(waitingMost).toBeGreaterThan(0)
  const inLog = (await stored(log)).map(({ headers }) => headers['id']!)
  expect(inLog.length).toBe(CLIENTS * REQUESTS_OF_EACH)
  expect(new Set(inLog).size).toBe(inLog.length)
  expect(answered.filter((id) => !inLog.includes(id))).toEqual([])
  expect(collector.counts.eventsAccepted).toBe(inLog.length)
})
