/**
 * Simulated processes: several "processes" live in this one, each with its own failing disk. What runs within `SimProcess.run` acts
 * on files in its name (an AsyncLocalStorage says whose turn it is), so one of them can die, stand still or meet a full disk while the
 * others go on. Files below the root are real; what DuckDB writes natively passes unseen until our code syncs or links it.
 *
 * Must be loaded before the product: modules of it keep functions of `node:fs` for themselves.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { closeSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Call } from '../faults/calls.ts'
import { Hook } from '../faults/hook.ts'
import { patchFiles } from '../faults/patch.ts'
import type { OperationKind } from '../faults/plan.ts'

export type Act =
  /** The process is gone from here on: nothing that it still tries has any effect. */
  | { die: 'before' | 'half' | 'after' }
  /** It fails with this code; `half`: with half of a write's bytes on the disk. */
  | { error: string; half?: boolean }
  /** It is done, and the answer is an error. */
  | { lost: string }
  /** It waits for this, and is done then: the process stood still (SIGSTOP). */
  | { pause: Promise<void> }

interface Fate {
  /** Operations to let through first, among those of the kinds. */
  after: number
  /** Operations that it meets then. */
  count: number
  kinds: readonly OperationKind[] | undefined
  act: Act
}

const current = new AsyncLocalStorage<SimProcess>()

export class SimProcess {
  isDead = false
  /** Something has gone wrong with its disk: it may fail. */
  wasHurt = false
  /** Changes of files so far. */
  operations = 0
  #fates: Fate[] = []
  readonly #paused = Promise.withResolvers<void>()

  /** Resolves when it stands still for the first time. */
  get paused(): Promise<void> {
    return this.#paused.promise
  }

  run<T>(work: () => T): T {
    return current.run(this, work)
  }

  /** Lets `after` operations through, then does `act` with the next `count`. */
  arm(after: number, act: Act, count = 1, kinds?: readonly OperationKind[]): void {
    this.#fates.push({ after, count, kinds, act })
  }

  /** All goes well from here on. */
  heal(): void {
    this.#fates = []
  }

  die(): void {
    this.isDead = true
    this.wasHurt = true
  }

  meet(kind: OperationKind): Act | undefined {
    this.operations += 1
    if (this.isDead) return { error: 'EIO' }
    for (const fate of this.#fates) {
      if (fate.kinds?.includes(kind) === false) continue
      if (fate.after > 0) fate.after -= 1
      else if (fate.count > 0) {
        fate.count -= 1
        if ('pause' in fate.act) this.#paused.resolve()
        else this.wasHurt = true
        return fate.act
      }
    }
    return undefined
  }
}

/** Asks the process whose turn it is what becomes of an operation. */
class SimHook extends Hook {
  override run<T>(call: Call, act: () => T): T {
    const fate = current.getStore()?.meet(call.operation.kind)
    // What is synchronous cannot be made to wait.
    if (fate !== undefined && !('pause' in fate)) this.#before(call, fate)
    const result = act()
    this.#after(call, fate, result)
    return result
  }

  override async runLater<T>(call: Call, act: () => Promise<T>): Promise<T> {
    const fate = current.getStore()?.meet(call.operation.kind)
    if (fate !== undefined) {
      if ('pause' in fate) await fate.pause
      else this.#before(call, fate)
    }
    const result = await act()
    this.#after(call, fate, result)
    return result
  }

  #before(call: Call, act: Act): void {
    if ('error' in act) {
      if (act.half) call.half?.()
      throw failure(act.error, call)
    }
    if (!('die' in act) || act.die === 'after') return
    if (act.die === 'half') call.half?.()
    current.getStore()!.die()
    throw failure('EIO', call)
  }

  #after(call: Call, act: Act | undefined, result: unknown): void {
    if (call.operation.kind === 'create') call.done?.(result)
    if (act === undefined || !('lost' in act || 'die' in act)) return
    // Nobody gets the file that was opened.
    if (call.operation.kind === 'create')
      void (typeof result === 'number' ? closeSync(result) : (result as FileHandle).close())
    if ('die' in act) current.getStore()!.die()
    throw failure('lost' in act ? act.lost : 'EIO', call)
  }
}

function failure(code: string, { operation }: Call): Error {
  const error = new Error(`${code}: simulated, ${operation.kind} '${operation.path}'`)
  return Object.assign(error, { code, syscall: operation.kind, path: operation.path })
}

/** Memory rather than disk where there is some: a simulation syncs much and keeps nothing. */
export const ROOT = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'landfall-simulation-'))
process.on('exit', () => rmSync(ROOT, { recursive: true, force: true }))

await patchFiles(new SimHook({ root: ROOT, faults: [] }))
