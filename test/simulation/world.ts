/** One simulated pipeline: its door, its landers on two machines, its clock, and the model that it is compared with. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isLandfallError } from '../../src/base/errors.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import { recordHeader } from '../../src/model/record.ts'
import type { Random } from '../../src/simulate/random.ts'
import { Door } from './door.ts'
import { askAll, Landing, lakeAt, spoolOf } from './landing.ts'
import { Model } from './model.ts'
import { PIPELINES } from './pipelines.ts'
import { ROOT, SimProcess } from './processes.ts'
import { SimTime } from './time.ts'

/** Starts of a process that may fail in a row, while its disk does. */
const STARTS_MAX = 4

export class World {
  readonly directory: string
  readonly time = new SimTime()
  readonly model = new Model()
  door: Door | undefined
  landing: Landing | undefined
  /** Which of the pipelines runs. */
  version = 0
  /** Where the lander is, or was last. */
  machine = 0
  /** Numbers what is sent. */
  #count = 0
  #ended = 0
  /** Of the last door that opened the log: what a full disk kept it from publishing, readers do not see until the next one has. */
  #doorProcess: SimProcess | undefined

  constructor(name: string) {
    this.directory = join(ROOT, name)
    mkdirSync(this.directory, { recursive: true })
  }

  next(): number {
    this.#count += 1
    return this.#count
  }

  /** The door that is open, or a new one: with `faults`, its process may die of its disk while it starts. */
  async openDoor(process = new SimProcess()): Promise<Door | undefined> {
    if (this.door !== undefined && (this.door.isDead || this.door.process.isDead)) await this.closeDoor(true)
    if (this.door !== undefined) return this.door
    this.door = await this.#start(process, (starting) =>
      Door.open(this.directory, PIPELINES[this.version]!, this.time, starting),
    )
    this.#doorProcess = this.door?.process ?? this.#doorProcess
    return this.door
  }

  async closeDoor(killed: boolean): Promise<void> {
    if (this.door === undefined) return
    if (killed) this.door.process.die()
    const { door } = this
    this.door = undefined
    await this.#tolerate(door.process, () => door.close())
  }

  async openLanding(random: Random, process = new SimProcess()): Promise<Landing | undefined> {
    if (this.landing !== undefined) return this.landing
    // The log is made by a door.
    if (this.#ended === 0 && (await this.openDoor()) === undefined) return undefined
    if (random.below(4) === 0) this.machine = 1 - this.machine
    this.landing = await this.#start(process, (starting) => this.#land(random, this.machine, starting))
    return this.landing
  }

  /** A second lander on the other machine, which nothing keeps from starting. */
  async takeOver(random: Random): Promise<Landing> {
    this.machine = 1 - this.machine
    this.landing = await this.#land(random, this.machine, new SimProcess())
    return this.landing
  }

  #land(random: Random, machine: number, process: SimProcess): Promise<Landing> {
    const settings = {
      batchRows: random.pick([2, 5, 500]),
      chunkBytes: random.pick([200, 100_000]),
      adoptBytes: random.pick([1, 1_000_000]),
    }
    const { directory, time } = this
    const pipeline = PIPELINES[this.version]!.compiled
    return Landing.open({ directory, pipeline, time, machine, settings }, process)
  }

  async closeLanding(killed: boolean): Promise<void> {
    if (this.landing === undefined) return
    if (killed) this.landing.process.die()
    const { landing } = this
    this.landing = undefined
    await this.#tolerate(landing.process, () => landing.close())
  }

  /** Lands what is there; a lander whose disk fails ends, as its process does. */
  async land(random: Random, process?: SimProcess): Promise<void> {
    const landing = await this.openLanding(random, process)
    if (landing === undefined) return
    try {
      await landing.land()
    } catch (error) {
      await this.closeLanding(false)
      this.excuse(landing.process, error)
    }
    if (landing.process.isDead) await this.closeLanding(true)
  }

  /** A process that is started again when its disk lets it not start, as its supervisor does. */
  async #start<T>(process: SimProcess, open: (process: SimProcess) => Promise<T>): Promise<T | undefined> {
    for (let tries = 0; tries < STARTS_MAX; tries++) {
      try {
        return await open(process)
      } catch (error) {
        this.excuse(process, error)
        // What was wrong with the disk stays so; a dead one starts anew.
        if (process.isDead) process = new SimProcess()
      }
    }
    return undefined
  }

  /** An error is fine where the disk gave reason for it. */
  excuse(process: SimProcess, error: unknown): void {
    if (!process.wasHurt) throw error
    const damage = [
      'log/damaged',
      'lander/gap',
      'lander/wrong-log',
      'lander/redo-differs',
      'lake/inconsistent',
    ]
    if (damage.some((code) => isLandfallError(error, code))) throw error
  }

  async #tolerate(process: SimProcess, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.excuse(process, error)
    }
  }

  /** Tells the model what the log has got since; all that was answered is there. */
  async readLog(): Promise<void> {
    await this.#readLog()
    // An end that could not be published is known to the next door only: the log died of it, and its process is started again.
    const isDown = this.door === undefined || this.door.isDead || this.door.process.isDead
    if (isDown && this.model.isBeyondHistory && (await this.openDoor()) !== undefined) await this.#readLog()
    this.model.checkAcknowledged(this.#doorProcess?.wasHurt === true)
  }

  async #readLog(): Promise<void> {
    const { history } = this.model
    try {
      await using log = await openEmbeddedReader({ directory: join(this.directory, 'log') })
      const from = { logId: log.id, next: { 0: history.length } }
      for await (const batch of log.read({ from, follow: false })) {
        for (const { offset, key, value, headers, receivedAt } of batch.records) {
          const header = (name: string) => headers.find(([found]) => found === name)?.[1].toString() ?? ''
          this.model.add({
            offset,
            key: key?.toString() ?? null,
            id: header(recordHeader.eventId),
            receivedAt,
            text: value.toString(),
            planVersion: header(recordHeader.plan),
            isOfRoute: header(recordHeader.route) === 'r',
          })
        }
      }
      this.#ended = history.length
    } catch (error) {
      // No door has come so far.
      if (!isLandfallError(error, 'log/absent') || history.length > 0) throw error
    }
  }

  /** Asks over all tables: the answer is exactly what the model says of everything before the position that it names. */
  async check(): Promise<{ end: number; behind: boolean }> {
    await this.readLog()
    if (this.model.history.length === 0) return { end: 0, behind: false }
    const seen = await askAll(this.directory, this.time, spoolOf(this.directory, this.machine))
    const { end, behind, rows } = seen
    for (const [table, found] of rows) {
      const expected = this.#expected(table, end)
      const [sorted, wanted] = [found.toSorted(), expected.toSorted()]
      if (sorted.join('\n') === wanted.join('\n')) continue
      const missing = wanted.filter((row) => !sorted.includes(row))
      const extra = sorted.filter((row, i) => !wanted.includes(row) || sorted[i - 1] === row)
      throw new Error(
        `${table} before ${end} of ${this.model.history.length}: ${sorted.length} rows, expected ${wanted.length}; missing ${JSON.stringify(missing)}, too many ${JSON.stringify(extra)}`,
      )
    }
    return { end, behind }
  }

  #expected(table: string, end: number): string[] {
    if (table === 'events') return this.model.events(end)
    return table === 'dead_letters' ? this.model.dead(end) : this.model.rows(table, end)
  }

  /** The ledger closes, and its sums are those of the model. */
  async checkLedger(): Promise<void> {
    const { history } = this.model
    if (history.length === 0) return
    await using log = await openEmbeddedReader({ directory: join(this.directory, 'log') })
    const lake = lakeAt(this.directory, this.time)
    const { closes, findings, total } = await readLedger({ log, lake })
    if (!closes) throw new Error(`the ledger does not close: ${JSON.stringify(findings)}`)
    const end = (await lake.load('events'))?.position?.next[0] ?? 0
    const { landed, dead, duplicate } = this.model.counts(end)
    const expected = { accepted: history.length, landed, dead, duplicate, pending: history.length - end }
    for (const [name, count] of Object.entries(expected))
      if (total[name as keyof typeof expected] !== count)
        throw new Error(
          `the ledger says ${JSON.stringify(total)} before ${end}, expected ${JSON.stringify(expected)}`,
        )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeDoor(true).catch(() => {})
    await this.closeLanding(true).catch(() => {})
    rmSync(this.directory, { recursive: true, force: true })
  }
}
