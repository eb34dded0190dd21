/** Each operation on files as a `Call`: what it is, how half of it is done, and what a trace says of it. */
import type { FileHandle } from 'node:fs/promises'
import { sep } from 'node:path'
import type { Hook } from './hook.ts'
import type { Operation } from './plan.ts'
import { real } from './real.ts'

/** Prepared for one operation: what it is, how half of it is done, what a trace says of it when it is done. */
export interface Call {
  operation: Operation
  /** Does half of it at once; answers the bytes. Absent: it has no halves. */
  half?: () => number
  /** Before it is done: what a trace must know. */
  prepare?: () => void
  /** When it is done. */
  done?: (result: unknown) => void
  /** What a short write answers. */
  short?: (bytes: number) => unknown
}

export interface OpenFile {
  path: string
  absolute: string
  id: number
  /** Where a write without a position goes. */
  cursor: number
  /** Our code cannot have written it. */
  readOnly: boolean
}
export function changes(flags: string): boolean {
  return /^(w|a)/.test(flags)
}
export const sizeOf = (bytes: ArrayBufferView | string): number => Buffer.byteLength(bytes as Buffer)
export const bytesOf = (data: ArrayBufferView | string): Buffer =>
  typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength)

/** A write of these bytes through an open file. */
export function writeCall(
  hook: Hook,
  fd: number,
  file: OpenFile,
  bytes: Buffer,
  position: unknown,
  short?: (bytes: number) => unknown,
): Call {
  const at = typeof position === 'number' ? position : typeof position === 'bigint' ? Number(position) : null
  const half = () => {
    const length = Math.floor(bytes.length / 2)
    const done = real.writeSync(fd, bytes, 0, length, at)
    if (at === null) file.cursor += done
    return done
  }
  return {
    operation: { kind: 'write', path: file.path },
    half,
    ...(short === undefined ? {} : { short }),
    done(result) {
      const written =
        typeof result === 'number'
          ? result
          : ((result as { bytesWritten?: number })?.bytesWritten ?? bytes.length)
      const from = at ?? file.cursor
      if (at === null) file.cursor += written
      const text = bytes.subarray(0, written).toString('base64')
      hook.trace?.add({ step: 'write', id: file.id, at: from, bytes: text })
    },
  }
}

export function syncCall(hook: Hook, file: OpenFile): Call {
  let from = 0
  return {
    operation: { kind: 'sync', path: file.path },
    prepare() {
      if (file.readOnly) hook.see(file.path, file.absolute, true)
      from = hook.trace?.length ?? 0
    },
    done: () => hook.trace?.add({ step: 'sync', id: file.id, from }),
  }
}

export function truncateCall(hook: Hook, file: OpenFile, length = 0): Call {
  return {
    operation: { kind: 'truncate', path: file.path },
    done: () => hook.trace?.add({ step: 'truncate', id: file.id, length }),
  }
}

/** Calls by the name of a file: their first argument is a path, of rename and link two. */
export function namedCall(hook: Hook, name: string, args: unknown[]): Call | undefined {
  if (name === 'rename' || name === 'link' || name === 'copyFile') {
    const from = hook.path(args[0])
    const path = hook.path(args[1])
    if (path === undefined || from === undefined) return undefined
    const kind = name === 'copyFile' ? 'create' : name
    return {
      operation: { kind, path, from },
      prepare: () => hook.see(from, String(args[0])),
      done: () =>
        kind === 'create'
          ? hook.see(path, String(args[1]), true)
          : hook.trace?.add({ step: kind, from, path }),
    }
  }
  const path = hook.path(args[0])
  if (path === undefined) return undefined
  if (name === 'mkdir') {
    return {
      operation: { kind: 'mkdir', path },
      done: (first) => {
        const made = typeof first === 'string' ? hook.path(first) : path
        if (made === undefined) return
        const names = path.split(sep)
        const from = made.split(sep).length
        for (let n = from; n <= names.length; n++)
          hook.trace?.add({ step: 'mkdir', path: names.slice(0, n).join(sep) })
      },
    }
  }
  if (name === 'rmdir' || name === 'unlink' || name === 'rm') {
    if (name === 'rm' && !real.existsSync(String(args[0]))) return undefined
    return {
      operation: { kind: name === 'rmdir' ? 'rmdir' : 'unlink', path },
      done: () => hook.trace?.add({ step: 'unlink', path }),
    }
  }
  return wholeFileCall(hook, path, args)
}

/** `writeFile` by name: creation and write at once. */
function wholeFileCall(hook: Hook, path: string, [name, data, options]: unknown[]): Call {
  const bytes = bytesOf(data as Buffer)
  return {
    operation: { kind: 'write', path },
    half() {
      real.writeFileSync(name as string, bytes.subarray(0, Math.floor(bytes.length / 2)), options as object)
      return Math.floor(bytes.length / 2)
    },
    done: () => hook.see(path, String(name), true),
  }
}

/** An open that makes a file; others are only remembered. */
export function openCall(
  hook: Hook,
  path: string,
  flags: unknown,
  name: string,
): Call & { wasThere: boolean } {
  const wasThere = real.existsSync(name)
  return {
    operation: { kind: 'create', path },
    wasThere,
    done(opened) {
      if (typeof opened === 'number') return hook.opened(opened, path, flags, wasThere)
      const handle = opened as FileHandle
      const { fd, close } = handle
      hook.opened(fd, path, flags, wasThere)
      // A method of each handle's own.
      handle.close = () => {
        hook.closed(fd)
        return close.call(handle)
      }
    },
  }
}
