import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import game from '../examples/game/pipeline.ts'
import { openFileCatalog } from '../src/catalog/drivers/file.ts'
import { openLake } from '../src/lake/iceberg-lake.ts'
import {
  type Candidate,
  type CandidateChunk,
  Duplicates,
  type NotedIds,
} from '../src/lander/duplicates/duplicates.ts'
import { EarlierRecords } from '../src/lander/duplicates/earlier-records.ts'
import { print } from '../src/lander/duplicates/prints.ts'
import { SILENT } from '../src/lander/logger.ts'
import { LANDER_DEFAULTS } from '../src/lander/settings.ts'
import { prepareTables } from '../src/lander/tables.ts'
import { createMemoryLog } from '../src/log/drivers/memory.ts'
import { openLocalStorage } from '../src/storage/drivers/local.ts'
import { type Bench, check, timed } from './harness.ts'

const MILLION = 1_000_000
/** Ids that are noted at a stretch, as those of a group of records are. */
const GROUP = 32_768
/** Ids of the window when the cost of noting is measured, in millions (of 2 × `--events`); each time over so many more ids. */
const WINDOWS = [1, 10, 50]
const MEASURED = MILLION / 2
const MEMORY_MAX = 250e6
const NOTHING = Buffer.alloc(0)
/** µs of the first record; one every 10 ms is a million in three hours. */
const RECEIVED = 1_790_000_000_000_000

/**
 * What telling repeats costs as the window fills: nanoseconds of CPU an id, all that is done beside it (tables written out, runs made one)
 * included, with a window of 50 million ids ÷ of one; memory at ten million. Every id is a new one, and of the old ones a sample must be
 * found.
 */
export const benchIds: Bench = async ({ directory, events, say }) => {
  const million = events * 2
  const ids = await openIds(directory)
  const costs: number[] = []
  const detail: Record<string, number> = {}
  try {
    for (const window of WINDOWS) {
      say(`ids: a window of ${window} million`)
      const filled = process.cpuUsage()
      const from = ids.count
      await ids.note(window * million)
      await ids.duplicates.settled()
      if (ids.count > from) detail[`cpuNsPerIdUpTo${window}M`] = nsSince(filled) / (ids.count - from)
      const begun = process.cpuUsage()
      await ids.note(ids.count + MEASURED)
      const noted = nsSince(begun) / MEASURED
      await ids.duplicates.settled()
      costs.push(noted)
      detail[`noteNsPerIdAt${window}M`] = noted
      detail[`bytesAt${window}M`] = ids.duplicates.bytes
      detail[`candidatesPerMillionAt${window}M`] = ids.takeCandidates() / (MEASURED / MILLION)
    }
    // Last, because nothing decides these.
    ids.checkFound()
  } finally {
    await ids.duplicates.close()
  }
  const { seconds } = await timed(() => ids.reopen())
  detail['secondsToOpenAgain'] = seconds
  return [
    {
      name: 'ids, CPU of noting one with 50 M in the window ÷ 1 M',
      value: costs.at(-1)! / costs[0]!,
      unit: '×',
      goal: undefined,
      samples: costs,
      detail,
    },
    {
      name: 'ids, memory at 10 M ÷ 250 MB',
      value: detail['bytesAt10M']! / MEMORY_MAX,
      unit: '×',
      goal: { is: 'at most', value: 1 },
      samples: [detail['bytesAt10M']! / MEMORY_MAX],
      detail: {},
    },
  ]
}

async function openIds(directory: string) {
  const here = join(directory, 'lander')
  mkdirSync(here, { recursive: true })
  const storage = openLocalStorage(join(directory, 'lake'))
  const lake = openLake({ catalog: openFileCatalog(storage), storage })
  const log = createMemoryLog()
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const position = { logId: log.id, next: {} as Record<number, number> }
  const states = await prepareTables(game.compiled, lake, position, 1)
  const parts = {
    pipeline: game.compiled,
    lake,
    connection,
    earlier: new EarlierRecords(log, lake, connection),
    directory: join(here, 'ids'),
    memoryBytes: LANDER_DEFAULTS.idsMemoryBytes,
    logger: SILENT,
  }
  const open = (next: Record<number, number>) =>
    Duplicates.open(parts, states.get('events')!, { logId: log.id, next })
  return new Ids(await open({}), open, log.id)
}

class Ids {
  duplicates: Duplicates
  count = 0
  readonly #open: (next: Record<number, number>) => Promise<Duplicates>
  readonly #logId: string
  readonly #group: NotedIds = {
    prints: new Uint32Array(GROUP * 2),
    offsets: new Float64Array(GROUP),
    received: new Float64Array(GROUP),
  }
  #candidates: Candidate[] = []
  #met = 0

  constructor(
    duplicates: Duplicates,
    open: (next: Record<number, number>) => Promise<Duplicates>,
    logId: string,
  ) {
    this.duplicates = duplicates
    this.#open = open
    this.#logId = logId
  }

  /** Notes new ids until there are so many; each group is decided and committed. */
  async note(until: number): Promise<void> {
    const { prints, offsets, received } = this.#group
    while (this.count < until) {
      const rows = Math.min(GROUP, until - this.count)
      for (let i = 0; i < rows; i++) {
        printOf(this.count + i)
        prints[i * 2] = print.high
        prints[i * 2 + 1] = print.low
        offsets[i] = this.count + i
        received[i] = RECEIVED + (this.count + i) * 10_000
      }
      this.duplicates.note(0, this.#group, 0, rows, (row) =>
        this.#candidates.push({ row, route: false, healed: false }),
      )
      this.#met += this.#candidates.length
      await this.#decide(rows)
    }
  }

  /** As a chunk is decided whose records are these; of none of them a record is read, because none was there before. */
  async #decide(rows: number): Promise<void> {
    const { prints, offsets, received } = this.#group
    const scratch: CandidateChunk['scratch'] = {
      printOf(row) {
        print.high = prints[row * 2]!
        print.low = prints[row * 2 + 1]!
      },
      kindOf: () => ({ partition: 0, plan: null, source: null, fate: 'judge' }),
      offsetOf: (row) => offsets[row]!,
      rowOf: () => -1,
      recordOf: (row) => ({ eventId: `${offsets[row]}`, receivedAt: received[row]!, value: NOTHING }),
      setFate() {
        throw new Error('wrong result, no figure: a new id was taken for a repeat')
      },
    }
    this.count += rows
    const candidates = this.#candidates
    this.#candidates = []
    await this.duplicates.resolve({ scratch, candidates, ranges: { 0: { to: this.count } } })
    this.duplicates.committed({ logId: this.#logId, next: { 0: this.count } })
    await nextTurn()
  }

  takeCandidates(): number {
    const met = this.#met
    this.#met = 0
    return met
  }

  /** Ids that were noted must be candidates when they come again. */
  checkFound(): void {
    const { prints, offsets, received } = this.#group
    const sample = Array.from({ length: 2000 }, (_, i) => Math.floor((i * this.count) / 2000))
    for (const [i, n] of sample.entries()) {
      printOf(n)
      prints[i * 2] = print.high
      prints[i * 2 + 1] = print.low
      offsets[i] = this.count
      received[i] = RECEIVED + this.count * 10_000
    }
    let found = 0
    this.duplicates.note(0, this.#group, 0, sample.length, () => {
      found += 1
    })
    check(found === sample.length, `of ${sample.length} ids that were noted ${found} are found`)
  }

  /** What a start reads again; the tables are empty here, so all of it is from the disk. */
  async reopen(): Promise<void> {
    this.duplicates = await this.#open({ 0: this.count })
    check(this.duplicates.spilled > this.count / 2, 'the ids on disk were not used again')
    await this.duplicates.close()
  }
}

/** Even and never twice, as prints of ids are; much cheaper than to make so many texts. */
function printOf(n: number): void {
  print.high = Math.imul(n + 1, 0x9e3779b1) >>> 0
  print.low = ((Math.imul(n ^ (n >>> 15), 0x85ebca6b) >>> 0) | 1) >>> 0
}

function nsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1000
}
