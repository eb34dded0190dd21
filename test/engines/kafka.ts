/**
 * A real Kafka 4.3.1 for tests: one per test run that all share, or one of a test's own that may be killed.
 *
 *   const kafka = await findKafka()
 *   test('…', async ({ skip }) => {
 *     if ('missing' in kafka) return skip(kafka.missing)
 *     await openLog(`kafka://${kafka.plaintext}/${topic}`)
 *   })
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KafkaParts, type KafkaState, kafkaRecipe } from '../../src/stack/engines/kafka.ts'
import { KAFKA_JARS } from '../../src/stack/engines/kafka-jars.ts'
import { findJars } from './jars.ts'
import { findJava } from './java.ts'
import { shareEngine } from './shared-engine.ts'

const READY_MAX_MS = 60_000

/** What a broker needs, or why it cannot be had. */
export async function findKafkaParts(): Promise<KafkaParts | { missing: string }> {
  const java = findJava({ min: 17 })
  if (typeof java !== 'string') return { missing: `Kafka 4.3: ${java.missing}` }
  const jars = await findJars('kafka', KAFKA_JARS)
  return typeof jars === 'string' ? { java, jars } : jars
}

/** Starts it, or finds the one that this run has started. Takes about 4 s the first time. */
export async function findKafka(): Promise<KafkaState | { missing: string }> {
  const parts = await findKafkaParts()
  return 'missing' in parts ? parts : shareEngine(kafkaRecipe(parts))
}

/** A broker of the test's own: killed, hung, started again with its data. */
export class Broker implements AsyncDisposable {
  readonly #recipe: ReturnType<typeof kafkaRecipe>
  readonly #directory = mkdtempSync(join(tmpdir(), 'landfall-kafka-'))
  #process: ChildProcess | undefined
  state!: KafkaState

  constructor(parts: KafkaParts) {
    this.#recipe = kafkaRecipe(parts)
  }

  static async start(parts: KafkaParts): Promise<Broker> {
    const broker = new Broker(parts)
    await broker.start()
    return broker
  }

  async start(): Promise<void> {
    const { command, state } = await this.#recipe.prepare(this.#directory)
    this.state = state
    const output = openSync(this.logFile, 'a')
    const [program, ...args] = command as [string, ...string[]]
    const child = spawn(program, args, { stdio: ['ignore', output, output], cwd: this.#directory })
    closeSync(output)
    this.#process = child
    const until = performance.now() + READY_MAX_MS
    while (!(await this.#recipe.isReady(state))) {
      if (child.exitCode !== null || performance.now() > until) {
        throw new Error(`the broker did not start: ${readFileSync(this.logFile, 'utf8').slice(-2000)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  get logFile(): string {
    return join(this.#directory, 'broker.log')
  }

  /** Sends the signal; `SIGKILL` and `SIGTERM` resolve when the process is gone. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process!
    const ends = signal === 'SIGKILL' || signal === 'SIGTERM'
    const gone = ends ? new Promise((resolve) => child.once('exit', resolve)) : undefined
    child.kill(signal)
    await gone
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process?.exitCode === null && this.#process.signalCode === null) await this.signal('SIGKILL')
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
