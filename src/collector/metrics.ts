import type { Counter, Gauge, Registry } from 'prom-client'
import type { AppendTimes } from './append-times.ts'
import { RefusedCounts } from './refused.ts'

/** Plain numbers that the hot path counts with; read when somebody asks for `/metrics`. */
export interface Counts {
  /** Requests to routes and to `/v1/events`, by the class of their answer: index 2 for 2xx. */
  answers: number[]
  eventsAccepted: number
  eventsRejected: number
  /** Accepted, but the name is not in the plan. */
  eventsUnknown: number
  bytesAccepted: number
  replayed: number
  appendsFailed: number
  refused: RefusedCounts
}

export interface Gauges {
  requestsUnderWay(): number
  requestsWaiting(): number
  bufferedBytes(): number
  queuedBytes(): number
  stateKeys(): number
  storedAnswers(): number
}

export function newCounts(): Counts {
  return {
    answers: [0, 0, 0, 0, 0, 0],
    eventsAccepted: 0,
    eventsRejected: 0,
    eventsUnknown: 0,
    bytesAccepted: 0,
    replayed: 0,
    appendsFailed: 0,
    refused: new RefusedCounts(),
  }
}

/** What `/metrics` answers. */
export interface Metrics {
  text(): Promise<{ body: string; type: string }>
}

/** Prometheus' library is loaded by the first who asks: nobody's first event waits for it. */
export function createMetrics(
  counts: Counts,
  gauges: Gauges,
  appendTimes: AppendTimes,
  more: () => string = () => '',
): Metrics {
  let registry: Promise<Registry> | undefined
  return {
    async text() {
      registry ??= openRegistry(counts, gauges)
      const opened = await registry
      return { body: `${await opened.metrics()}${appendTimes.text()}${more()}`, type: opened.contentType }
    },
  }
}

async function openRegistry(counts: Counts, gauges: Gauges): Promise<Registry> {
  const { Counter, collectDefaultMetrics, Gauge, Registry } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counter = (name: string, help: string, read: () => number) => {
    const metric: Counter = new Counter({
      name: `landfall_collector_${name}`,
      help,
      registers: [registry],
      collect: () => {
        metric.reset()
        metric.inc(read())
      },
    })
  }
  const gauge = (name: string, help: string, read: () => number) => {
    const metric: Gauge = new Gauge({
      name: `landfall_collector_${name}`,
      help,
      registers: [registry],
      collect: () => metric.set(read()),
    })
  }
  counter('events_accepted_total', 'Events that are durable in the log', () => counts.eventsAccepted)
  counter('events_rejected_total', 'Events refused at the door (mode reject)', () => counts.eventsRejected)
  counter('events_unknown_total', 'Accepted events whose name is not in the plan', () => counts.eventsUnknown)
  counter('bytes_accepted_total', 'Bytes of accepted events', () => counts.bytesAccepted)
  counter('answers_replayed_total', 'Stored answers given to a retry', () => counts.replayed)
  counter('appends_failed_total', 'Appends to the log that failed', () => counts.appendsFailed)
  const answers = new Counter({
    name: 'landfall_collector_answers_total',
    help: 'Answers of routes and of /v1/events, by class of status',
    labelNames: ['class'],
    registers: [registry],
    collect() {
      answers.reset()
      for (let i = 1; i < counts.answers.length; i++) answers.inc({ class: `${i}xx` }, counts.answers[i]!)
    },
  })
  const refused = new Counter({
    name: 'landfall_collector_refused_total',
    help: 'What was refused, by reason, over all starts of this door',
    labelNames: ['status', 'reason', 'what'],
    registers: [registry],
    collect() {
      refused.reset()
      for (const { status, reason, requests, events } of counts.refused.list()) {
        if (requests > 0) refused.inc({ status, reason, what: 'request' }, requests)
        if (events > 0) refused.inc({ status, reason, what: 'event' }, events)
      }
    },
  })
  gauge('requests_under_way', 'Requests being answered', gauges.requestsUnderWay)
  gauge('requests_waiting', 'Of these, those that wait for their shift', gauges.requestsWaiting)
  gauge('buffered_bytes', 'Bytes of bodies held in memory', gauges.bufferedBytes)
  gauge('log_queued_bytes', 'Bytes queued in the log and not durable yet', gauges.queuedBytes)
  gauge('state_keys', 'Keys with state', gauges.stateKeys)
  gauge('stored_answers', 'Answers kept for retries with the same Idempotency-Key', gauges.storedAnswers)
  return registry
}
