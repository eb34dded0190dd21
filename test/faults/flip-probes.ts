/** What reads each kind of file, and what it read before anything was harmed. */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { isLandfallError, LandfallError } from '../../src/base/errors.ts'
import { readStateFile, writeStateFile } from '../../src/collector/state-file.ts'
import { readParquet } from '../../src/lake/parquet.ts'
import { loadPlan as loadBatchPlan } from '../../src/lander/batch-plan.ts'
import { loadDefinition } from '../../src/lander/definitions.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import type { LogReader } from '../../src/log/log.ts'
import { loadPlan, planDirectory } from '../../src/model/plan-store.ts'
import { bind, boundPlaces } from '../../src/pipeline/bound.ts'
import { landerMetrics } from '../../src/pipeline/lander-metrics.ts'
import { keptNamed } from '../../src/pipeline/named.ts'
import { openDuckdbEngine } from '../../src/sql/drivers/duckdb/duckdb-engine.ts'
import { SpoolReader } from '../../src/sql/drivers/duckdb/spool-reader.ts'
import { verify } from '../../src/verify/verify.ts'
import { game } from '../lander/support.ts'
import type { DataDirectory } from '../verify/support.ts'
import { copySmall, remove } from './flips.ts'

type Found = 'detected' | 'harmless'

export interface Probe {
  files: string[]
  /** Throws when what was read is neither an error nor what was there before. */
  ask(file: string): Promise<Found>
}

const TABLES = ['events', 'dead_letters', 'guilds', 'purchases', 'sword_purchases']
const NEVER = new AbortController().signal

/** The product says what it found: an error of its own that is no mistake of its own. */
function isTold(error: unknown): error is LandfallError {
  return isLandfallError(error) && error.kind !== 'bug' && !error.message.includes('\n')
}

/** Reads, and compares with what was read before. `none`: reading it as absent is as good. */
function reading(
  files: string[],
  read: (file: string) => Promise<unknown>,
  none?: unknown,
): () => Promise<Probe> {
  return async () => {
    const before = new Map<string, unknown>()
    for (const file of files) before.set(file, await read(file))
    return {
      files,
      async ask(file) {
        let found: unknown
        try {
          found = await read(file)
        } catch (error) {
          if (isTold(error)) return 'detected'
          throw error
        }
        if (isDeepStrictEqual(found, before.get(file))) return 'harmless'
        if (none !== undefined && isDeepStrictEqual(found, none)) return 'detected'
        throw new Error(`read as ${JSON.stringify(found)?.slice(0, 300)}`)
      },
    }
  }
}

export class Probes implements AsyncDisposable {
  readonly kinds: Record<string, Probe> = {}
  readonly #data: DataDirectory
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  #before = new Map<string, string>()

  private constructor(data: DataDirectory, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#data = data
    this.#instance = instance
    this.#connection = connection
  }

  static async open(data: DataDirectory): Promise<Probes> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const probes = new Probes(data, instance, await instance.connect())
    await probes.#prepare()
    return probes
  }

  /** Verify, the door's opening, landing, questions: whoever finds something says so, and no answer is wrong. */
  async askAll(): Promise<void> {
    const { paths } = this.#data.places
    const before = mkdtempSync(join(tmpdir(), 'landfall-flip-all-'))
    cpSync(this.#data.root, before, { recursive: true })
    try {
      await told(() => verify(this.#data.places))
      await told(async () => {
        await using _ = await openEmbeddedLog({ directory: paths.log })
      })
      await told(() => this.#data.land())
      await using engine = await openDuckdbEngine({ lake: this.#data.openLake() })
      for (const table of TABLES) {
        await told(async () => {
          const result = await engine.query(`SELECT count(*) FROM ${table}`)
          for await (const page of result.pages) {
            const rows = Number(page[0]![0])
            const expected = Number(this.#before.get(table)!.split(' ')[0])
            if (rows !== expected)
              throw new Error(`${table} was answered with ${rows} rows, it has ${expected}`)
          }
        })
      }
    } finally {
      rmSync(this.#data.root, { recursive: true, force: true })
      cpSync(before, this.#data.root, { recursive: true, preserveTimestamps: true })
      remove(before)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }

  async #prepare(): Promise<void> {
    const { places, root } = this.#data
    const { paths } = places
    await bind(places)
    const state = join(paths.state, 'collector.state')
    cpSync(paths.plans, paths.state, { recursive: true })
    const logId = (await this.#logRecords(paths.log)).id
    await writeStateFile(state, {
      pipeline: 'game',
      version: 'v',
      position: { logId, next: { 0: 3 } },
      states: [['guild', { members: 3 }]],
      answers: [],
    })
    for (const table of TABLES) this.#before.set(table, await this.#rowsOf(table))
    const makers: Record<string, () => Promise<Probe>> = {
      'log segment': this.#logProbe(filesIn(paths.log, /\.log$/)),
      'durable position': this.#logProbe([join(paths.log, 'durable')]),
      'log identity': this.#logProbe([join(paths.log, 'log.json')]),
      'collector state': reading([state], (file) => readStateFile(file)),
      'plan of records': reading(filesIn(paths.plans, /^[0-9a-f]+\.json$/), () =>
        loadPlan(planDirectory(paths.plans), game.plan.version),
      ),
      'batch plan': reading([join(paths.lander, 'plan.json')], () => loadBatchPlan(paths.lander)),
      definition: reading(filesIn(paths.plans, /^definition-.*\.json$/), () =>
        loadDefinition(planDirectory(paths.plans), game.hash),
      ),
      'named relations': reading([paths.named], () => keptNamed(root)),
      'lander status': reading([join(paths.lander, 'status.json')], () => landerMetrics(paths.lander), ''),
      'bound places': reading([join(root, 'bound.json')], () => boundPlaces(places, new Set())),
      'spool manifest': reading([join(paths.spool, 'manifest.json')], () => this.#spool(), 'none'),
      'spool chunk': reading(filesIn(join(paths.spool, 'chunks'), /\.parquet$/), (file) => this.#chunk(file)),
      'data file': this.#tableProbe('data', /\.parquet$/),
      'manifest list': this.#tableProbe('metadata', /snap-.*\.avro$/),
      manifest: this.#tableProbe('metadata', /-m\d+-.*\.avro$/),
      'table metadata': this.#tableProbe('metadata', /\.metadata\.json$/),
      'version hint': this.#tableProbe('metadata', /version-hint\.text$/),
    }
    for (const [kind, make] of Object.entries(makers)) this.kinds[kind] = await make()
  }

  /** Rows of a table and a sum over all their values, by a lake that remembers nothing. */
  async #rowsOf(table: string): Promise<string> {
    const lake = this.#data.openLake()
    const state = await lake.load(table)
    if (state === undefined) throw new Error(`${table} is gone`)
    const files = await lake.files(state)
    if (files.length === 0) return '0'
    const { locations, release } = await lake.lease(files)
    try {
      const columns = state.schema.fields.map(({ name }) => `CAST("${name}" AS VARCHAR)`).join(', ')
      const result = await this.#connection.runAndReadAll(
        `SELECT count(*), sum(hash(${columns})) FROM ${readParquet(state.schema, locations)}`,
      )
      const [rows, sum] = result.getRows()[0]!
      return `${rows} rows, ${sum}, at ${JSON.stringify(state.position)}, epoch ${state.epoch}, ${JSON.stringify(state.counters)}`
    } finally {
      release()
    }
  }

  #tableProbe(part: 'data' | 'metadata', names: RegExp): () => Promise<Probe> {
    const lake = join(this.#data.places.paths.lake, 'default')
    const files = TABLES.flatMap((table) => filesIn(join(lake, table, part), names))
    return reading(files, (file) =>
      this.#rowsOf(TABLES.find((table) => file.includes(`/default/${table}/`))!),
    )
  }

  /** Followers read what is there or say what is not; the door opens with every record or not at all. */
  #logProbe(files: string[]): () => Promise<Probe> {
    const { log } = this.#data.places.paths
    return async () => {
      const before = await this.#logRecords(log)
      const ask = async (): Promise<Found> => {
        const copy = copySmall(log)
        try {
          const outcomes = [
            await outcomeOf(() => this.#logRecords(copy), before),
            await outcomeOf(async () => {
              await using writer = await openEmbeddedLog({ directory: copy })
              return { id: writer.id, records: await recordsOf(writer) }
            }, before),
          ]
          return outcomes.includes('detected') ? 'detected' : 'harmless'
        } finally {
          remove(copy)
        }
      }
      return { files: files.filter((file) => existsSync(file) && statSync(file).size > 0), ask }
    }
  }

  async #logRecords(directory: string): Promise<{ id: string; records: string[] }> {
    await using reader = await openEmbeddedReader({ directory })
    return { id: reader.id, records: await recordsOf(reader) }
  }

  #spool(): Promise<unknown> {
    const reader = new SpoolReader(this.#data.places.paths.spool)
    try {
      return Promise.resolve(reader.read() ?? 'none')
    } finally {
      reader.close()
    }
  }

  async #chunk(file: string): Promise<unknown> {
    const { spool } = this.#data.places.paths
    const reader = new SpoolReader(spool)
    const name = file.slice(spool.length + 1)
    const pinned = reader.pin([name])!
    try {
      await reader.check([name], pinned, NEVER)
      const rows = await this.#connection.runAndReadAll(
        `SELECT * FROM read_parquet('${pinned.paths[0]!.replaceAll("'", "''")}')`,
      )
      return rows.getRowObjectsJson()
    } finally {
      pinned.release()
      reader.close()
    }
  }
}

async function outcomeOf(read: () => Promise<unknown>, before: unknown): Promise<Found> {
  let found: unknown
  try {
    found = await read()
  } catch (error) {
    if (isTold(error)) return 'detected'
    throw error
  }
  if (isDeepStrictEqual(found, before)) return 'harmless'
  throw new Error(`the log was read as ${JSON.stringify(found)?.slice(0, 300)}`)
}

async function recordsOf(log: LogReader): Promise<string[]> {
  const records: string[] = []
  for await (const batch of log.read({ follow: false })) {
    for (const { offset, receivedAt, value, headers } of batch.records) {
      records.push(
        `${offset} ${receivedAt} ${value.toString()} ${headers.map((header) => header.join('=')).join(' ')}`,
      )
    }
  }
  return records
}

async function told(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isTold(error)) throw error
  }
}

function filesIn(folder: string, names: RegExp): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => names.test(name))
    .sort()
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).size > 0)
}
