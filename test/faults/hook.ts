/**
 * Stands between a process and its files: counts each operation below one directory that changes what a disk holds, and lets it
 * fail, kill the process, or be recorded, as a plan says. It changes `node:fs` and `node:fs/promises` themselves, so the
 * product has no switch for tests; what it calls is what runs.
 *
 *   LANDFALL_FAULTS='{"root": …, "faults": […]}' node --import ./test/faults/hook.ts program.ts
 *
 * or, within a process that imports it before the product: `installHook(plan)`. It must be there before the product's modules keep
 * functions of their own (`promisify(fs.rename)`). What DuckDB writes natively is seen when our code syncs, links or renames it.
 */
import { relative, resolve, sep } from 'node:path'
import { type Call, changes, type OpenFile } from './calls.ts'
import { patchFiles } from './patch.ts'
import { type Act, type Death, type Ended, Fates, type FaultPlan, type Operation } from './plan.ts'
import { real } from './real.ts'
import { Trace } from './trace.ts'

export class Hook {
  readonly fates: Fates
  readonly trace: Trace | undefined
  readonly #root: string
  readonly #report: number | undefined
  readonly #open = new Map<number, OpenFile>()
  #opened = 0
  /** Node's functions call each other (`readFileSync` opens): what one of them does is not counted again. */
  #within = 0

  constructor(plan: FaultPlan) {
    this.fates = new Fates(plan.faults)
    this.#root = resolve(plan.root)
    this.#report = plan.report === undefined ? undefined : real.openSync(plan.report, 'a')
    this.trace = plan.trace === undefined ? undefined : new Trace(real.openSync(plan.trace, 'w'))
    process.on('exit', () => {
      this.trace?.flush()
      this.#tell({ operations: this.fates.operations })
    })
  }

  /** Operations are counted anew, under this name. */
  enterPhase(name: string): void {
    this.fates.phase = name
  }

  /** Puts a word of the program itself into the trace. */
  mark(data: unknown): void {
    this.trace?.add({ step: 'mark', data })
  }

  /** Below the root (itself: `.`), else undefined. */
  path(path: unknown): string | undefined {
    if (this.#within > 0) return undefined
    if (typeof path !== 'string' && !Buffer.isBuffer(path) && !(path instanceof URL)) return undefined
    const below = relative(this.#root, resolve(path instanceof URL ? path.pathname : path.toString()))
    if (below === '..' || below.startsWith(`..${sep}`)) return undefined
    return below || '.'
  }

  file(fd: number): OpenFile | undefined {
    return this.#within > 0 ? undefined : this.#open.get(fd)
  }

  opened(fd: number, path: string, flags: unknown, wasThere: boolean): void {
    const id = ++this.#opened
    const absolute = resolve(this.#root, path)
    const text = String(flags ?? 'r')
    const made = !wasThere && changes(text)
    const emptied = wasThere && text.startsWith('w')
    const cursor = text.startsWith('a') ? real.fstatSync(fd).size : 0
    this.#open.set(fd, { path, absolute, id, cursor, readOnly: text === 'r' })
    if (this.trace === undefined) return
    if (wasThere && !emptied) this.see(path, absolute)
    this.trace.add({ step: 'open', id, path, ...(made ? { made } : {}), ...(emptied ? { emptied } : {}) })
  }

  /** Before or after an operation: makes the trace know the bytes of a file that other code may have written. */
  see(path: string, absolute: string, always = false): void {
    this.#quietly(() => this.trace?.see(path, absolute, always))
  }

  closed(fd: number): void {
    this.#open.delete(fd)
  }

  run<T>(call: Call, act: () => T): T {
    const fate = this.#begin(call)
    if (fate !== undefined && 'result' in fate) return fate.result as T
    const result = this.#quietly(act)
    this.#end(call, fate, result)
    return result
  }

  async runLater<T>(call: Call, act: () => Promise<T>): Promise<T> {
    const fate = this.#begin(call)
    if (fate !== undefined && 'result' in fate) return fate.result as T
    const result = await act()
    this.#end(call, fate, result)
    return result
  }

  #quietly<T>(act: () => T): T {
    this.#within += 1
    try {
      return act()
    } finally {
      this.#within -= 1
    }
  }

  /** Throws or kills as the plan says. */
  #begin(call: Call): { result: unknown } | { killAfter: number } | undefined {
    const act = this.fates.meet(call.operation)
    const number = this.fates.operations[this.fates.phase]!
    if (act !== undefined) {
      if ('kill' in act && act.kill === 'after') {
        call.prepare?.()
        return { killAfter: number }
      }
      return this.#meet(call, act, number)
    }
    call.prepare?.()
    return undefined
  }

  #meet(call: Call, act: Act, number: number): { result: unknown } | undefined {
    if ('kill' in act) {
      if (act.kill === 'half') call.half?.()
      this.#die(call.operation, number, act.kill === 'half' && call.half === undefined ? 'before' : act.kill)
    }
    if ('error' in act) {
      if (act.half === true) call.half?.()
      throw systemError(act.error, call.operation)
    }
    if ('short' in act && call.half !== undefined && call.short !== undefined) {
      return { result: call.short(call.half()) }
    }
    if ('lost' in act && call.operation.kind === 'sync') return { result: undefined }
    call.prepare?.()
    return undefined
  }

  #end(call: Call, fate: { killAfter: number } | undefined, result: unknown): void {
    if (fate !== undefined) this.#die(call.operation, fate.killAfter, 'after')
    if (this.trace !== undefined || call.operation.kind === 'create') call.done?.(result)
  }

  #die(operation: Operation, number: number, moment: Death['moment']): never {
    this.trace?.flush()
    this.#tell({ ...operation, phase: this.fates.phase, number, moment })
    process.kill(process.pid, 'SIGKILL')
    // The signal ends the process; nothing may go on until it does.
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
  }

  #tell(line: Death | Ended): void {
    if (this.#report !== undefined) real.writeSync(this.#report, `${JSON.stringify(line)}\n`)
  }
}
function systemError(code: string, { kind, path }: Operation): Error {
  return Object.assign(new Error(`${code}: by the fault plan, ${kind} '${path}'`), {
    code,
    syscall: kind,
    path,
  })
}
/** Puts itself before the file functions of this process, for good. */
export async function installHook(plan: FaultPlan): Promise<Hook> {
  const hook = new Hook(plan)
  await patchFiles(hook)
  return hook
}

const given = process.env['LANDFALL_FAULTS']
/** Of this process, where the environment has a plan. */
export const hook = given === undefined ? undefined : await installHook(JSON.parse(given) as FaultPlan)
