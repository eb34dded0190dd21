/** The tables as the log tells them: a range of it is landed anew, by the same lander, into a lake of its own. */
import { join } from 'node:path'
import { makeTemporary, type TemporaryDirectory } from '../../base/temporary.ts'
import { openFileCatalog } from '../../catalog/drivers/file.ts'
import { openLake } from '../../lake/iceberg-lake.ts'
import type { Lake } from '../../lake/lake.ts'
import { openLander } from '../../lander/lander.ts'
import type { LogReader } from '../../log/log.ts'
import type { CompiledPipeline } from '../../model/pipeline.ts'
import type { PlanFiles } from '../../model/plan-store.ts'
import { formatPosition, type Position } from '../../model/position.ts'
import { LogRange } from '../../pipeline/swap/log-range.ts'
import { openLocalStorage } from '../../storage/drivers/local.ts'

export interface ShadowParts {
  log: LogReader
  pipeline: CompiledPipeline
  plans: PlanFiles
  signal: AbortSignal
}

/** Ranges that were landed, each once. Their files go with it. */
export class Shadows implements AsyncDisposable {
  readonly #parts: ShadowParts
  readonly #landed = new Map<string, Promise<Lake>>()
  #temporary: Promise<TemporaryDirectory> | undefined

  constructor(parts: ShadowParts) {
    this.#parts = parts
  }

  /** A lake with the rows of [from, to). */
  land(from: Position, to: Position): Promise<Lake> {
    const key = `${formatPosition(from)} ${formatPosition(to)}`
    let landed = this.#landed.get(key)
    if (landed === undefined) {
      landed = this.#land(from, to, this.#landed.size)
      this.#landed.set(key, landed)
    }
    return landed
  }

  async #land(from: Position, to: Position, number: number): Promise<Lake> {
    const { log, pipeline, plans, signal } = this.#parts
    this.#temporary ??= makeTemporary('repair')
    const directory = join((await this.#temporary).path, String(number))
    const storage = openLocalStorage(join(directory, 'lake'))
    const lake = openLake({ storage, catalog: openFileCatalog(storage) })
    await using lander = await openLander({
      pipeline,
      log: new LogRange(log, from, to),
      lake,
      plans,
      directory: join(directory, 'lander'),
      spoolDirectory: join(directory, 'spool'),
      settings: { maintain: false },
    })
    await lander.landToEnd({ signal })
    signal.throwIfAborted()
    return lake
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#landed.values())
    await (await this.#temporary)?.[Symbol.asyncDispose]()
  }
}
