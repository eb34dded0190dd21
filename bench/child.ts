import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { SEMI_SPACE_MIB } from '../src/cli/up/supervised-child.ts'

/** A process of the benchmark (a server, a load generator) that answers messages over its IPC channel, one at a time. */
export class Child<Ask extends { do: string }, Answer> implements AsyncDisposable {
  readonly #process: ChildProcess
  /** What it said when it was ready. */
  readonly ready: Answer

  private constructor(process: ChildProcess, ready: Answer) {
    this.#process = process
    this.ready = ready
  }

  /** Starts `processes/<name>.ts`, of these benchmarks or those in another directory, and waits until it is ready. */
  static async start<Ask extends { do: string }, Answer>(
    name: string,
    settings: object,
    benches = import.meta.dirname,
  ): Promise<Child<Ask, Answer>> {
    const child = fork(join(benches, 'processes', `${name}.ts`), [JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // As the stages of `landfall up` run.
      execArgv: [`--max-semi-space-size=${SEMI_SPACE_MIB}`],
    })
    return new Child<Ask, Answer>(child, await answerOf<Answer>(child, name))
  }

  get pid(): number {
    return this.#process.pid!
  }

  async ask(message: Ask): Promise<Answer> {
    this.#process.send(message)
    return answerOf<Answer>(this.#process, message.do)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    this.#process.disconnect()
    await once(this.#process, 'exit')
  }
}

async function answerOf<Answer>(child: ChildProcess, what: string): Promise<Answer> {
  const end = new AbortController()
  try {
    return await Promise.race([
      once(child, 'message', { signal: end.signal }).then(([answer]) => answer as Answer),
      once(child, 'exit', { signal: end.signal }).then(([code, signal]) => {
        throw new Error(`the benchmark's process ended at '${what}' (${signal ?? code})`)
      }),
    ])
  } finally {
    end.abort()
  }
}
