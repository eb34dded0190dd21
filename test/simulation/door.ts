/** The door of a simulation: the real collector over the embedded log, asked by HTTP on this machine. */
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { type Collector, openCollector } from '../../src/collector/collector.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import type { EventLog } from '../../src/log/log.ts'
import type { Pipeline } from '../../src/model/definition.ts'
import { planDirectory, savePlan } from '../../src/model/plan-store.ts'
import { earlier, knownEnd, landedPosition } from '../../src/pipeline/known-end.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { SimProcess } from './processes.ts'
import type { SimTime } from './time.ts'

export interface Answer {
  status: number
  text: string
  headers: Record<string, string | string[] | undefined>
}

export class Door {
  readonly process: SimProcess
  readonly pipeline: Pipeline
  readonly #directory: string
  readonly #log: EventLog
  readonly #collector: Collector
  readonly #agent = new Agent({ keepAlive: true })
  /** Said by the log: it takes nothing more, and its process ends. */
  isDead = false

  private constructor(
    process: SimProcess,
    pipeline: Pipeline,
    directory: string,
    log: EventLog,
    collector: Collector,
  ) {
    this.process = process
    this.pipeline = pipeline
    this.#directory = directory
    this.#log = log
    this.#collector = collector
  }

  /** As `openDoor` (src/pipeline/door.ts) opens it: the plan is kept, the log reaches as far as every table. */
  static async open(
    directory: string,
    pipeline: Pipeline,
    time: SimTime,
    process: SimProcess,
  ): Promise<Door> {
    return process.run(async () => {
      const clock = time.clock()
      await savePlan(planDirectory(join(directory, 'plans')), pipeline.compiled.plan)
      const end = await knownEnd(openFileCatalog(openLocalStorage(join(directory, 'lake'))))
      let door: Door | undefined
      const log = await openEmbeddedLog({
        directory: join(directory, 'log'),
        clock,
        segmentBytes: 2048,
        diskReserve: 0,
        // Whatever has landed may go.
        retention: { ageMs: 0, bytes: 0 },
        lockWaitMs: 0,
        onDead: () => {
          if (door !== undefined) door.isDead = true
        },
        ...(end === undefined ? {} : { knownEnd: end }),
      })
      try {
        const collector = await openCollector({
          pipeline,
          log,
          host: '127.0.0.1',
          port: 0,
          stateDirectory: join(directory, 'state'),
          clock,
          settings: { snapshotEvents: 6 },
        })
        door = new Door(process, pipeline, directory, log, collector)
        return door
      } catch (error) {
        await log[Symbol.asyncDispose]()
        throw error
      }
    })
  }

  ask(path: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request(
        this.#collector.address + path,
        { method: 'POST', agent: this.#agent, headers: { 'Content-Type': 'application/json', ...headers } },
        (answer) => {
          let text = ''
          answer.setEncoding('utf8').on('data', (piece: string) => {
            text += piece
          })
          answer.on('end', () => resolve({ status: answer.statusCode!, text, headers: answer.headers }))
        },
      )
      asked.on('error', reject)
      asked.end(body)
    })
  }

  /** What the door does once a minute (src/pipeline/door.ts). */
  async trim(): Promise<void> {
    await this.process.run(async () => {
      const landed = await landedPosition(openFileCatalog(openLocalStorage(join(this.#directory, 'lake'))))
      if (landed !== undefined) await this.#log.trim(earlier(landed, this.#collector.statePosition!))
    })
  }

  /** After `process.die()` nothing of it has an effect but that this process lets go of the lock, as the kernel would. */
  async close(): Promise<void> {
    this.#agent.destroy()
    await this.process.run(async () => {
      await this.#collector.close().catch(() => {})
      await this.#log[Symbol.asyncDispose]()
    })
  }
}
