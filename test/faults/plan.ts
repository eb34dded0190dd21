/** What goes wrong with which operation on files. Plain data, so that a parent hands it to a child as JSON. */
import { existsSync } from 'node:fs'

/** Operations that change what a disk holds, or make it hold. `create`: an open that makes or empties a file. */
export type OperationKind =
  | 'create'
  | 'write'
  | 'sync'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'truncate'
  | 'mkdir'
  | 'rmdir'

/** One operation below the directory that is watched. */
export interface Operation {
  kind: OperationKind
  /** Below that directory; of a rename or link, the new name. */
  path: string
  /** Of a rename or link, the old name. */
  from?: string
}

export type Act =
  /** The process dies by SIGKILL: before it, after it, or with half of it done (half of a write's bytes; others: before). */
  | { kill: 'before' | 'half' | 'after' }
  /** It fails with this code; `half`: after half of a write's bytes. */
  | { error: string; half?: boolean }
  /** A write takes half of the bytes and says so. */
  | { short: true }
  /** A sync says that all is well and does nothing. */
  | { lost: true }

export interface Fault {
  /** Number of the first operation it meets, counted from 1 among those that the conditions below let through. */
  at: number
  /** How many in a row. Default 1; `null`: all that come. */
  count?: number | null
  kinds?: readonly OperationKind[]
  /** Regular expression over the path. */
  path?: string
  /** Only while the process is in this phase (`enterPhase`). */
  phase?: string
  /** Only while this file exists. */
  whileExists?: string
  act: Act
}

export interface FaultPlan {
  /** Operations below this directory are counted; all others pass. */
  root: string
  faults: Fault[]
  /** A file to which, as JSON lines, each death writes its `Death` and the end of a process its `Ended`. */
  report?: string
  /** A file to which every operation is written with its bytes (trace.ts). */
  trace?: string
}

/** Where a process was killed. */
export interface Death extends Operation {
  phase: string
  /** Number of the operation within its phase, from 1. */
  number: number
  moment: 'before' | 'half' | 'after'
}

/** A process that ended otherwise: operations by phase. */
export interface Ended {
  operations: Record<string, number>
}

/** Counts operations and says what becomes of each. */
export class Fates {
  /** May be exchanged at any time: the next operation meets the new ones. */
  faults: Fault[]
  phase = ''
  /** Operations so far, by phase. */
  readonly operations: Record<string, number> = {}
  readonly #met = new Map<Fault, number>()

  constructor(faults: Fault[]) {
    this.faults = faults
  }

  meet(operation: Operation): Act | undefined {
    this.operations[this.phase] = (this.operations[this.phase] ?? 0) + 1
    let act: Act | undefined
    for (const fault of this.faults) {
      if (!this.#concerns(fault, operation)) continue
      const met = (this.#met.get(fault) ?? 0) + 1
      this.#met.set(fault, met)
      const count = fault.count === undefined ? 1 : (fault.count ?? Number.POSITIVE_INFINITY)
      if (met >= fault.at && met < fault.at + count) act ??= fault.act
    }
    return act
  }

  #concerns({ kinds, path, phase, whileExists }: Fault, operation: Operation): boolean {
    return (
      (kinds === undefined || kinds.includes(operation.kind)) &&
      (phase === undefined || phase === this.phase) &&
      (path === undefined || new RegExp(path).test(operation.path)) &&
      (whileExists === undefined || existsSync(whileExists))
    )
  }
}
