/**
 * The calls of Hive's metastore that a catalog needs, of 3.1 and 4.0 (hive_metastore.thrift of Apache Hive; ids of fields are persisted in
 * the protocol). Requests and answers are structs by field id; names of fields stand beside the ids.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LandfallError } from '../../../base/errors.ts'
import { unreachable } from '../../catalog-errors.ts'
import { type Connection, NoAnswer, NotSent, UnknownMethod } from './connection.ts'
import {
  bool,
  i32,
  i64,
  string,
  stringsAt,
  struct,
  structAt,
  structOf,
  structs,
  structsAt,
  textAt,
  texts,
} from './struct.ts'
import type { ThriftStruct } from './thrift.ts'

/** An exception that the metastore declares. It has answered, so nothing more of the call happens. */
export class MetastoreError extends Error {
  /** `NoSuchObjectException` and so on; for most calls their number tells which. */
  readonly type: string

  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

const LOCK_EXCLUSIVE = 3
const LOCK_OF_TABLE = 2
/** LockState */
export const lockState = { acquired: 1, waiting: 2 } as const

export interface Lock {
  id: bigint
  state: number
}

/** A lock as `show_locks` tells it. */
export interface ShownLock extends Lock {
  /** Milliseconds since 1970 by the metastore's clock. */
  lastHeartbeat: bigint
  user: string
  host: string
  agent: string
}

/** For each call, what its exceptions are, from field 1 on. */
const EXCEPTIONS: Record<string, string[]> = {
  get_database: ['NoSuchObjectException', 'MetaException'],
  create_database: ['AlreadyExistsException', 'InvalidObjectException', 'MetaException'],
  get_all_tables: ['MetaException'],
  get_table: ['MetaException', 'NoSuchObjectException'],
  get_table_req: ['MetaException', 'NoSuchObjectException'],
  create_table: [
    'AlreadyExistsException',
    'InvalidObjectException',
    'MetaException',
    'NoSuchObjectException',
  ],
  alter_table_with_environment_context: ['InvalidOperationException', 'MetaException'],
  drop_table: ['NoSuchObjectException', 'MetaException'],
  lock: ['NoSuchTxnException', 'TxnAbortedException'],
  check_lock: ['NoSuchTxnException', 'TxnAbortedException', 'NoSuchLockException'],
  heartbeat: ['NoSuchLockException', 'NoSuchTxnException', 'TxnAbortedException'],
  unlock: ['NoSuchLockException', 'TxnOpenException'],
}

export class Metastore {
  readonly url: string
  readonly #connection: Connection
  readonly #patienceMs: number
  /** 4.0 has no `get_table` any more, 2.x no `get_table_req` yet. */
  #tableCall: 'get_table_req' | 'get_table' = 'get_table_req'

  constructor(url: string, connection: Connection, patienceMs: number) {
    this.url = url
    this.#connection = connection
    this.#patienceMs = patienceMs
  }

  close(): void {
    this.#connection.close()
  }

  /** What the server says that it is: `4.0.1`; 3.1 says `3.0`. */
  async version(): Promise<string> {
    return textAt(await this.#read('getVersion', structOf({})), 0) ?? ''
  }

  async hasDatabase(name: string): Promise<boolean> {
    return (await this.#found(this.#read('get_database', structOf({ 1: string(name) })))) !== undefined
  }

  /** Fine when it is there. */
  async createDatabase(name: string, location: string): Promise<void> {
    const database = structOf({ 1: string(name), 2: string(''), 3: string(location), 4: texts({}) })
    await this.#change('create_database', structOf({ 1: struct(database) })).catch((error) => {
      if (!isMetastoreError(error, 'AlreadyExistsException')) throw error
    })
  }

  /** Names of all tables of a database; none when there is no such database. */
  async tableNames(database: string): Promise<string[]> {
    return stringsAt(await this.#read('get_all_tables', structOf({ 1: string(database) })), 0)
  }

  /** The Table struct. */
  async table(database: string, name: string): Promise<ThriftStruct | undefined> {
    if (this.#tableCall === 'get_table_req') {
      const request = structOf({ 1: string(database), 2: string(name) })
      try {
        const reply = await this.#found(this.#read('get_table_req', structOf({ 1: struct(request) })))
        return reply && structAt(structAt(reply, 0)!, 1)
      } catch (error) {
        if (!(error instanceof UnknownMethod)) throw error
        this.#tableCall = 'get_table'
      }
    }
    const args = structOf({ 1: string(database), 2: string(name) })
    const reply = await this.#found(this.#read('get_table', args))
    return reply && structAt(reply, 0)
  }

  async createTable(table: ThriftStruct): Promise<void> {
    await this.#change('create_table', structOf({ 1: struct(table) }))
  }

  async alterTable(
    database: string,
    name: string,
    table: ThriftStruct,
    context: Record<string, string>,
  ): Promise<void> {
    const environment = structOf({ 1: texts(context) })
    const args = structOf({ 1: string(database), 2: string(name), 3: struct(table), 4: struct(environment) })
    await this.#change('alter_table_with_environment_context', args)
  }

  /** Files stay. Fine when it is gone. */
  async dropTable(database: string, name: string): Promise<void> {
    const args = structOf({ 1: string(database), 2: string(name), 3: bool(false) })
    await this.#found(this.#change('drop_table', args))
  }

  /** Asks for the table's exclusive lock; `agent` finds it again when the answer is lost. */
  async lock(
    database: string,
    table: string,
    who: { user: string; host: string; agent: string },
  ): Promise<Lock> {
    const component = structOf({
      1: i32(LOCK_EXCLUSIVE),
      2: i32(LOCK_OF_TABLE),
      3: string(database),
      4: string(table),
    })
    const request = structOf({
      1: structs([component]),
      3: string(who.user),
      4: string(who.host),
      5: string(who.agent),
    })
    return lockOf(await this.#change('lock', structOf({ 1: struct(request) })))
  }

  /** Also a sign of life for the lock. */
  async checkLock(id: bigint): Promise<Lock> {
    return lockOf(await this.#read('check_lock', structOf({ 1: struct(structOf({ 1: i64(id) })) })))
  }

  async heartbeat(id: bigint): Promise<void> {
    await this.#read('heartbeat', structOf({ 1: struct(structOf({ 1: i64(id) })) }))
  }

  async unlock(id: bigint): Promise<void> {
    await this.#read('unlock', structOf({ 1: struct(structOf({ 1: i64(id) })) })).catch((error) => {
      if (!isMetastoreError(error, 'NoSuchLockException')) throw error
    })
  }

  async locks(database: string, table: string): Promise<ShownLock[]> {
    const request = structOf({ 1: string(database), 2: string(table) })
    const reply = await this.#read('show_locks', structOf({ 1: struct(request) }))
    return structsAt(structAt(reply, 0)!, 1).map((shown) => ({
      ...lockIn(shown, 5),
      lastHeartbeat: (shown.get(8)?.value ?? 0n) as bigint,
      user: textAt(shown, 10) ?? '',
      host: textAt(shown, 11) ?? '',
      agent: textAt(shown, 13) ?? '',
    }))
  }

  /** A call that may be repeated: it changes nothing, or the same again. Repeated while the server does not answer. */
  async #read(method: string, args: ThriftStruct): Promise<ThriftStruct> {
    return this.#repeated(method, args, (error) => error instanceof NotSent || error instanceof NoAnswer)
  }

  /** A call that is repeated only when it was never sent; without an answer it rejects with `NoAnswer`. */
  async #change(method: string, args: ThriftStruct): Promise<ThriftStruct> {
    return this.#repeated(method, args, (error) => error instanceof NotSent)
  }

  async #repeated(
    method: string,
    args: ThriftStruct,
    mayRepeat: (error: unknown) => boolean,
  ): Promise<ThriftStruct> {
    const until = performance.now() + this.#patienceMs
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 1000)) {
      try {
        const reply = await this.#connection.call(method, args)
        throwDeclared(method, reply)
        return reply
      } catch (error) {
        if (error instanceof LandfallError || error instanceof MetastoreError) throw error
        if (error instanceof UnknownMethod) throw error
        if (!mayRepeat(error)) throw error
        if (performance.now() + waitMs > until) throw unreachable(this.url, error)
        await sleep(waitMs)
      }
    }
  }

  async #found(reply: Promise<ThriftStruct>): Promise<ThriftStruct | undefined> {
    return reply.catch((error) => {
      if (isMetastoreError(error, 'NoSuchObjectException')) return undefined
      throw error
    })
  }
}

export function isMetastoreError(error: unknown, type?: string): error is MetastoreError {
  return error instanceof MetastoreError && (type === undefined || error.type === type)
}

function throwDeclared(method: string, reply: ThriftStruct): void {
  for (const [id] of reply) {
    if (id === 0) continue
    const type = EXCEPTIONS[method]?.[id - 1] ?? `exception ${id}`
    throw new MetastoreError(type, textAt(structAt(reply, id)!, 1) ?? type)
  }
}

const lockOf = (reply: ThriftStruct) => lockIn(structAt(reply, 0)!, 2)

function lockIn(from: ThriftStruct, stateId: number): Lock {
  return { id: from.get(1)!.value as bigint, state: from.get(stateId)!.value as number }
}
