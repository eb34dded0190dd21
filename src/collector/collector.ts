/**
 * The collector: what happened, and is it durable? It serves the routes of a pipeline and `POST /v1/events`, and answers
 * after the events of the request survive a power cut.
 *
 * Promises:
 * - An answer with success means that all events of the request are in the log, as one frame. Any other answer means that
 *   none is, but for 503 `log/unknown-outcome`, which says so and carries the ids to send again with.
 * - The state that handlers see is the fold of the log's events of their key: after a crash it is what it was.
 * - Nothing that proves who somebody is goes into the log or into an error.
 */
import type { TSchema } from 'typebox'
import { type Clock, systemClock } from '../base/clock.ts'
import { uuidv7Source } from '../base/ids.ts'
import type { Tls } from '../base/tls.ts'
import type { EventLog } from '../log/log.ts'
import type { Pipeline, RouteHandler } from '../model/definition.ts'
import type { Position } from '../model/position.ts'
import { AppendTimes } from './append-times.ts'
import { Appender } from './appender.ts'
import { EventsDoor } from './events-door.ts'
import { Gate } from './gate.ts'
import { serveHealth } from './health.ts'
import { createHttpServer, leaveConnections, listen, stopListening } from './http-server.ts'
import { type CollectorSettings, collectorSettings } from './limits.ts'
import { LogRoom } from './log-room.ts'
import { type CollectorLogger, SILENT } from './logger.ts'
import { CollectorMemory } from './memory.ts'
import { HeaderMerger } from './merge-headers.ts'
import { type Counts, createMetrics, type Gauges, newCounts } from './metrics.ts'
import { BodyReader } from './read-body.ts'
import { type Reason, Reasons } from './reasons.ts'
import { RefusalsFile } from './refusals-file.ts'
import { loadBodyCompiler } from './route-body.ts'
import type { RouteView } from './route-request.ts'
import { Router } from './router.ts'
import { Route } from './routes.ts'
import { checkExposure, Sources } from './sources.ts'

export interface CollectorOptions {
  /** Whatever its types: the collector reads it as data and functions. */
  // biome-ignore lint/suspicious/noExplicitAny: pipelines of all types are served.
  pipeline: Pipeline<any, any>
  log: EventLog
  host: string
  /** 0: one that is free. */
  port: number
  /** Where the state's file is kept. */
  stateDirectory: string
  /** Listen beyond this machine although somebody could send without a key. */
  insecure?: boolean
  /** Speak https; stays the caller's. */
  tls?: Tls
  settings?: Partial<CollectorSettings>
  clock?: Clock
  logger?: CollectorLogger
  /** Told once of each new reason why events are refused or will be dead letters. */
  onReason?: (reason: Reason) => void
  /** Why an event would not be taken now, beside what the collector knows itself. */
  health?: () => string | undefined
  /** More metrics in Prometheus' text format. */
  metrics?: () => string
}

export interface Collector extends AsyncDisposable {
  /** `http://127.0.0.1:5000` */
  readonly address: string
  /** The log must not be trimmed beyond this; null when the pipeline has no state. */
  readonly statePosition: Position | null
  /** Since it was opened. */
  readonly counts: Readonly<Counts>
  /** Lets nothing more in, finishes what was accepted, writes the state. A second call awaits the first. */
  close(): Promise<void>
}

export { COLLECTOR_DEFAULTS, type CollectorSettings } from './limits.ts'
export type { CollectorLogger } from './logger.ts'
export type { Reason } from './reasons.ts'

/** Restores the state, then listens. The log stays the caller's: close it after the collector. */
export async function openCollector(options: CollectorOptions): Promise<Collector> {
  const { log, host, port, clock = systemClock(), logger = SILENT } = options
  const pipeline = options.pipeline as Pipeline
  const { compiled, definition } = pipeline
  checkExposure(host, compiled.sources, options.insecure ?? false)
  const settings = collectorSettings(options.settings)
  const memory = new CollectorMemory(pipeline, log, options.stateDirectory, settings, logger)
  await memory.restore()

  const counts = newCounts()
  const refusals = await RefusalsFile.open(options.stateDirectory, counts.refused, logger)
  const gate = new Gate(settings)
  const bodies = new BodyReader(settings)
  const room = new LogRoom(log, settings)
  const appendTimes = new AppendTimes()
  const gauges: Gauges = {
    requestsUnderWay: () => gate.underWay,
    requestsWaiting: () => gate.waiting,
    bufferedBytes: () => bodies.bufferedBytes,
    queuedBytes: () => log.pressure.queuedBytes,
    stateKeys: () => memory.states?.size ?? 0,
    storedAnswers: () => memory.answers.size,
  }
  const shared = {
    compiled,
    appender: new Appender(log, room, memory, counts, appendTimes, logger),
    memory,
    bodies,
    room,
    gate,
    merger: new HeaderMerger(compiled),
    sources: new Sources(compiled.sources, () => clock.monotonicMs()),
    reasons: new Reasons(compiled.plan, options.onReason ?? (() => {})),
    nextId: uuidv7Source(() => Math.floor(clock.nowMicros() / 1000)),
    subject:
      compiled.subject === null
        ? undefined
        : { property: compiled.subject, header: compiled.subject.toLowerCase() },
    clock,
    settings,
    counts,
    logger,
    stateKey: definition.state === undefined ? undefined : stateKeyOf(pipeline),
  }

  const router = new Router(counts.refused)
  const server = createHttpServer(settings, router.serve, counts.refused, options.tls)
  const door = new EventsDoor(shared)
  router.own('POST', '/v1/events', (request, response) => void door.serve(request, response))
  router.own('OPTIONS', '/v1/events', (request, response) => door.preflight(request, response))
  const metrics = createMetrics(counts, gauges, appendTimes, options.metrics)
  serveHealth(router, { gate, memory, log, metrics, ...(options.health ? { health: options.health } : {}) })
  const routes = Object.entries(definition.routes ?? {})
  if (routes.some(([, route]) => typeof route !== 'function')) await loadBodyCompiler()
  for (const [key, route] of routes) {
    const served = new Route(key, route as RouteOf, shared)
    router.route(key, (request, response, params) => void served.serve(request, params, response))
  }
  const address = await listen(server, host, port).catch(async (error: unknown) => {
    await refusals[Symbol.asyncDispose]()
    await memory.close()
    throw error
  })

  let closing: Promise<void> | undefined
  const close = () => (closing ??= closeAll())
  async function closeAll(): Promise<void> {
    const closed = stopListening(server)
    await gate.close(settings.stopGraceMs)
    await leaveConnections(server, closed)
    await refusals[Symbol.asyncDispose]()
    await memory.close()
  }
  return {
    address,
    counts,
    get statePosition() {
      return memory.statePosition
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

type AnyHandler = RouteHandler<never, unknown, Record<string, string>, unknown>
type RouteOf = AnyHandler | { body: TSchema; handler: AnyHandler }

/** Without a `key` the whole pipeline has one state, under the empty key. */
function stateKeyOf({ definition }: Pipeline): (request: RouteView) => string {
  const key = definition.state?.key
  return key === undefined ? () => '' : (request) => key(request)
}
