import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { type FileHandle, link, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from './errors.ts'

/** Makes the bytes of a file survive a power cut. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes the entries of a directory (names that appeared, vanished or moved) survive a power cut. */
export const syncDirectory = syncFile

/**
 * mkdir -p; returns the first directory that was made, if any. Node's own loops for ever where the parent is there and the system still
 * says ENOENT (`/proc/x`).
 */
export function makeFolder(path: string, mode = 0o777): string | undefined {
  try {
    mkdirSync(path, mode)
    return path
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST' && statSync(path).isDirectory()) return undefined
    const parent = dirname(path)
    if (code !== 'ENOENT' || existsSync(parent)) throw error
    const first = makeFolder(parent, mode)
    // The parent is there now, so this comes to an end. Another process may have been faster with either.
    const own = makeFolder(path, mode)
    return first ?? own
  }
}

/** mkdir -p that survives a power cut: each directory made is synced in its parent. */
export async function makeDirectory(path: string): Promise<void> {
  const first = makeFolder(path)
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
}

async function writeTemporary(path: string, bytes: Uint8Array | string, mode = 0o666): Promise<string> {
  const temporary = `${path}.${process.pid}.${randomUUID().slice(0, 8)}.tmp`
  let handle: FileHandle | undefined
  try {
    handle = await open(temporary, 'wx', mode)
    await handle.writeFile(bytes)
    await handle.sync()
  } catch (error) {
    await handle?.close()
    handle = undefined
    await unlink(temporary).catch(() => {})
    throw error
  } finally {
    await handle?.close()
  }
  return temporary
}

/** Replaces a file whole: a reader sees the old bytes or the new; durable when resolved. */
export async function replaceFile(path: string, bytes: Uint8Array | string, mode?: number): Promise<void> {
  const temporary = await writeTemporary(path, bytes, mode)
  await rename(temporary, path)
  await syncDirectory(dirname(path))
}

/**
 * Creates a file whole, or returns false when the name is taken: bytes are synced under another name and then
 * given this name by link(2), which is atomic and never overwrites. Durable when resolved.
 */
export async function createFile(path: string, bytes: Uint8Array | string): Promise<boolean> {
  const temporary = await writeTemporary(path, bytes)
  try {
    await link(temporary, path)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await unlink(temporary).catch(() => {})
  }
  await syncDirectory(dirname(path))
  return true
}

/** The bytes of a file, or undefined when there is none. */
export async function readIfPresent(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
