import type { ServerResponse } from 'node:http'
import type { EventLog } from '../log/log.ts'
import type { Gate } from './gate.ts'
import type { CollectorMemory } from './memory.ts'
import type { Metrics } from './metrics.ts'
import type { Router } from './router.ts'

/** `/healthz`: the process answers. `/readyz`: it would take an event now. `/metrics`: Prometheus text. */
export function serveHealth(
  router: Router,
  parts: {
    gate: Gate
    memory: CollectorMemory
    log: EventLog
    metrics: Metrics
    health?: () => string | undefined
  },
): void {
  const { gate, memory, log, metrics } = parts
  router.own('GET', '/healthz', (_request, response) => text(response, 200, 'ok\n'))
  router.own('GET', '/readyz', (_request, response) => {
    const { queuedBytes, queuedBytesMax } = log.pressure
    const reason = !gate.open
      ? 'stopping, or too many requests'
      : !memory.sure
        ? 'the log is being read again after an unknown outcome'
        : queuedBytes >= queuedBytesMax
          ? 'the queue of the log is full'
          : parts.health?.()
    text(
      response,
      reason === undefined ? 200 : 503,
      reason === undefined ? 'ready\n' : `not ready: ${reason}\n`,
    )
  })
  router.own('GET', '/metrics', (_request, response) => {
    metrics.text().then(
      ({ body, type }) => text(response, 200, body, type),
      () => text(response, 500, 'the metrics could not be read\n'),
    )
  })
}

function text(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  })
  response.end(body)
}
