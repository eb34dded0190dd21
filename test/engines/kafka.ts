/**
 * A real Kafka 4.3.1 for tests: one per test run that all share, or one of a test's own that may be killed.
 *
 *   const kafka = await findKafka()
 *   test('…', async ({ skip }) => {
 *     if ('missing' in kafka) return skip(kafka.missing)
 *     await openLog(`kafka://${kafka.plaintext}/${topic}`)
 *   })
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEngine } from '../../src/stack/engine.ts'
import {
  type KafkaParts,
  type KafkaState,
  kafka,
  kafkaRecipe,
  provideKafka,
  SECURE_PORTS,
} from '../../src/stack/engines/kafka.ts'
import { killProcess, runningProcesses, stopProcesses } from '../../src/stack/processes.ts'
import { orMissing } from './artifacts.ts'
import { engineCache } from './cache.ts'
import { freePort, keep, shareEngine } from './shared-engine.ts'

/** What a broker needs, or why it cannot be had. */
export function findKafkaParts(): Promise<KafkaParts | { missing: string }> {
  return orMissing(() => provideKafka(engineCache()))
}

/** Starts it, or finds the one that this run has started. Takes about 4 s the first time. */
export function findKafka(): Promise<KafkaState | { missing: string }> {
  return shareEngine(kafka)
}

/** A broker of the test's own: killed, hung, started again with its data. */
export class Broker implements AsyncDisposable {
  readonly #recipe: ReturnType<typeof kafkaRecipe>
  readonly #directory = mkdtempSync(join(tmpdir(), 'landfall-kafka-'))
  readonly #ports: Record<string, number>
  state!: KafkaState

  constructor(parts: KafkaParts, ports: Record<string, number>) {
    this.#recipe = kafkaRecipe(parts)
    this.#ports = ports
    keep(this.#directory)
  }

  static async start(parts: KafkaParts): Promise<Broker> {
    const ports: Record<string, number> = {}
    for (const name of SECURE_PORTS) ports[name] = await freePort()
    const broker = new Broker(parts, ports)
    await broker.start()
    return broker
  }

  async start(): Promise<void> {
    this.state = await startEngine('kafka', this.#recipe, this.#directory, this.#ports)
  }

  get logFile(): string {
    return join(this.#directory, 'broker.log')
  }

  get pid(): number | undefined {
    return runningProcesses(this.#directory)[0]?.pid
  }

  /** Sends the signal; `SIGKILL` and `SIGTERM` resolve when the process is gone. */
  signal(signal: NodeJS.Signals): Promise<void> {
    return killProcess(this.#directory, 'broker', signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.signal('SIGKILL')
    await stopProcesses(this.#directory)
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
