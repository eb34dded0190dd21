/** Exchanges the functions of `node:fs` and `node:fs/promises`, and the methods of a FileHandle, for ones that ask the hook. */
import fs from 'node:fs'
import fsp, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import {
  bytesOf,
  type Call,
  changes,
  namedCall,
  type OpenFile,
  openCall,
  sizeOf,
  syncCall,
  truncateCall,
  writeCall,
} from './calls.ts'
import type { Hook } from './hook.ts'

/** For good, in this process. */
export async function patchFiles(hook: Hook): Promise<void> {
  const handle = await fsp.open(import.meta.filename, 'r')
  const prototype = Object.getPrototypeOf(handle) as object
  await handle.close()
  hookNamed(hook)
  hookOpen(hook)
  hookDescriptors(hook)
  hookHandles(hook, prototype)
  syncBuiltinESMExports()
}

const NAMED = ['rename', 'link', 'copyFile', 'mkdir', 'rmdir', 'unlink', 'rm', 'writeFile'] as const

type AnyFunction = (...args: never[]) => unknown
type Functions = Record<string, AnyFunction>

/** `to[name]` becomes `make(old)`, with all that hangs on the old one (what `promisify` looks for). */
function replace(
  to: object,
  name: string,
  make: (old: (...args: unknown[]) => unknown) => AnyFunction,
): void {
  const old = (to as Functions)[name]! as (...args: unknown[]) => unknown
  const made = make(old)
  for (const key of Object.getOwnPropertySymbols(old)) {
    const held = Object.getOwnPropertyDescriptor(old, key)!
    // `promisify` takes what it finds there instead of the function: then it would pass by us.
    if (typeof held.value !== 'function') Object.defineProperty(made, key, held)
  }
  ;(to as Functions)[name] = made
}

/** Calls an old function of callback style and promises what it answers its callback. */
function later(old: (...args: unknown[]) => unknown, args: unknown[]): Promise<unknown[]> {
  return new Promise((done, fail) => {
    old(...args, (error: unknown, ...results: unknown[]) => (error ? fail(error) : done(results)))
  })
}

/** The callback style of a call. */
function answering(
  hook: Hook,
  call: Call,
  old: (...args: unknown[]) => unknown,
  args: unknown[],
  answer: (...results: unknown[]) => void,
): void {
  let all: unknown[] = []
  const ran = hook.runLater(call, async () => {
    all = await later(old, args)
    return all[0]
  })
  // Out of the promise, so that what the callback throws is not taken for a failure of the operation.
  ran.then(
    (result) => setImmediate(answer, null, ...(all.length > 0 ? all : [result])),
    (error) => setImmediate(answer, error),
  )
}

function hookNamed(hook: Hook): void {
  for (const name of NAMED) {
    replace(fsp, name, (old) => (...args: unknown[]) => {
      const call = namedCall(hook, name, args)
      return call === undefined ? old(...args) : hook.runLater(call, () => old(...args) as Promise<unknown>)
    })
    replace(fs, `${name}Sync`, (old) => (...args: unknown[]) => {
      const call = namedCall(hook, name, args)
      return call === undefined ? old(...args) : hook.run(call, () => old(...args))
    })
    // Of these our code uses the promises only.
    if (name === 'rm' || name === 'writeFile' || name === 'copyFile') continue
    replace(fs, name, (old) => (...args: unknown[]) => {
      const call = namedCall(hook, name, args)
      const answer = args.at(-1) as () => void
      if (call === undefined) return old(...args)
      return answering(hook, call, old, args.slice(0, -1), answer)
    })
  }
}

function hookOpen(hook: Hook): void {
  replace(
    fsp,
    'open',
    (old) =>
      (async (name: string, flags: unknown, ...rest: unknown[]) => {
        const path = hook.path(name)
        if (path === undefined) return old(name, flags, ...rest)
        const call = openCall(hook, path, flags, name)
        const open = () => old(name, flags, ...rest) as Promise<FileHandle>
        if (changes(String(flags ?? 'r'))) return hook.runLater(call, open)
        const handle = await open()
        call.done!(handle)
        return handle
      }) as AnyFunction,
  )
  replace(
    fs,
    'openSync',
    (old) =>
      ((name: string, flags: unknown, ...rest: unknown[]) => {
        const path = hook.path(name)
        if (path === undefined) return old(name, flags, ...rest)
        const call = openCall(hook, path, flags, name)
        if (changes(String(flags ?? 'r'))) return hook.run(call, () => old(name, flags, ...rest))
        const fd = old(name, flags, ...rest)
        call.done!(fd)
        return fd
      }) as AnyFunction,
  )
  replace(
    fs,
    'open',
    (old) =>
      ((name: string, flags: unknown, ...rest: unknown[]) => {
        const path = hook.path(name)
        if (path === undefined || typeof flags === 'function') return old(name, flags, ...rest)
        const answer = rest.at(-1) as () => void
        const args = [name, flags, ...rest.slice(0, -1)]
        const call = openCall(hook, path, flags, name)
        if (changes(String(flags))) return answering(hook, call, old, args, answer)
        return old(...args, (error: unknown, fd: number) => {
          if (!error) call.done!(fd)
          ;(answer as (...results: unknown[]) => void)(error, fd)
        })
      }) as AnyFunction,
  )
  for (const name of ['close', 'closeSync']) {
    replace(fs, name, (old) => (...args: unknown[]) => {
      hook.closed(args[0] as number)
      return old(...args)
    })
  }
}

/** Writes, syncs and cuts by the number of an open file. */
function hookDescriptors(hook: Hook): void {
  const slice = (bytes: unknown, offset: unknown, length: unknown) => {
    const all = bytesOf(bytes as Buffer)
    const from = typeof offset === 'number' ? offset : 0
    return all.subarray(from, from + (typeof length === 'number' ? length : all.length - from))
  }
  replace(
    fs,
    'writeSync',
    (old) =>
      ((fd: number, ...args: unknown[]) => {
        const file = hook.file(fd)
        if (file === undefined) return old(fd, ...args)
        const call = writeCall(hook, fd, file, slice(args[0], args[1], args[2]), args[3], (n) => n)
        return hook.run(call, () => old(fd, ...args))
      }) as AnyFunction,
  )
  replace(
    fs,
    'write',
    (old) =>
      ((fd: number, ...args: unknown[]) => {
        const file = hook.file(fd)
        if (file === undefined) return old(fd, ...args)
        const answer = args.pop() as () => void
        const call = writeCall(hook, fd, file, slice(args[0], args[1], args[2]), args[3], (n) => n)
        return answering(hook, call, old, [fd, ...args], answer)
      }) as AnyFunction,
  )
  for (const name of ['fsync', 'fdatasync']) {
    replace(
      fs,
      name,
      (old) =>
        ((fd: number, answer: () => void) => {
          const file = hook.file(fd)
          if (file === undefined) return old(fd, answer)
          return answering(hook, syncCall(hook, file), old, [fd], answer)
        }) as AnyFunction,
    )
  }
  replace(
    fs,
    'ftruncate',
    (old) =>
      ((fd: number, length: number, answer: () => void) => {
        const file = hook.file(fd)
        if (file === undefined) return old(fd, length, answer)
        return answering(hook, truncateCall(hook, file, length), old, [fd, length], answer)
      }) as AnyFunction,
  )
}

function hookHandles(hook: Hook, prototype: object): void {
  const method = (name: string, callOf: (handle: FileHandle, file: OpenFile, args: unknown[]) => Call) =>
    replace(
      prototype,
      name,
      (old) =>
        function (this: FileHandle, ...args: unknown[]) {
          const file = hook.file(this.fd)
          if (file === undefined) return old.apply(this, args)
          return hook.runLater(callOf(this, file, args), () => old.apply(this, args) as Promise<unknown>)
        } as AnyFunction,
    )
  const sync = (_handle: FileHandle, file: OpenFile) => syncCall(hook, file)
  method('sync', sync)
  method('datasync', sync)
  method('truncate', (_handle, file, [length]) =>
    truncateCall(hook, file, (length as number | undefined) ?? 0),
  )
  method('writeFile', (handle, file, [data]) =>
    writeCall(hook, handle.fd, file, bytesOf(data as Buffer), null),
  )
  method('writev', (handle, file, [buffers, position]) => {
    const bytes = Buffer.concat((buffers as Uint8Array[]).map(bytesOf))
    return writeCall(hook, handle.fd, file, bytes, position, (n) => ({ bytesWritten: n, buffers }))
  })
  method('write', (handle, file, [data, offset, length, position]) => {
    const from = typeof offset === 'number' ? offset : 0
    const size = typeof length === 'number' ? length : sizeOf(data as Buffer) - from
    const bytes = bytesOf(data as Buffer).subarray(from, from + size)
    return writeCall(hook, handle.fd, file, bytes, position, (n) => ({ bytesWritten: n, buffer: data }))
  })
}
