/** Every change that the log makes on the disk goes through here, so that tests can fail, delay and record it. */
import {
  close,
  fdatasync,
  fsync,
  ftruncate,
  open,
  openSync,
  rename,
  statfs,
  unlink,
  write,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { syncDirectory } from '../../../base/files.ts'

export interface LogFiles {
  /** A new, empty file for reading and writing; what had the name before is emptied. */
  create(path: string): Promise<number>
  /** An existing file for reading and writing. */
  openExisting(path: string): number
  /** To the page cache, on the event loop; answers the bytes written, which may be fewer. */
  write(fd: number, bytes: Uint8Array, from: number, length: number, position: number): number
  /** The same on the pool, for what nobody waits for. */
  writeBehind(fd: number, bytes: Uint8Array, position: number): Promise<number>
  datasync(fd: number, done: (error: Error | null) => void): void
  sync(fd: number): Promise<void>
  truncate(fd: number, length: number): Promise<void>
  close(fd: number): Promise<void>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  /** Bytes of the disk under `path`: all, and those that we may still use. */
  space(path: string): Promise<{ total: number; free: number }>
}

const openAsync = promisify(open)
const statfsAsync = promisify(statfs)

export const nodeFiles: LogFiles = {
  create: (path) => openAsync(path, 'w+'),
  openExisting: (path) => openSync(path, 'r+'),
  write: writeSync,
  writeBehind: async (fd, bytes, position) =>
    (await promisify(write)(fd, bytes, 0, bytes.length, position)).bytesWritten,
  datasync: fdatasync,
  sync: promisify(fsync),
  truncate: promisify(ftruncate),
  close: promisify(close),
  rename: promisify(rename),
  unlink: promisify(unlink),
  syncDirectory,
  async space(path) {
    const disk = await statfsAsync(path)
    return { total: disk.blocks * disk.bsize, free: disk.bavail * disk.bsize }
  },
}

/** Writes all of it, however short the single writes are. */
export function writeAll(files: LogFiles, fd: number, bytes: Uint8Array, position: number): void {
  let done = 0
  while (done < bytes.length) {
    const written = files.write(fd, bytes, done, bytes.length - done, position + done)
    if (written <= 0) throw new Error(`a write of ${bytes.length - done} bytes wrote ${written}`)
    done += written
  }
}

export function datasync(files: LogFiles, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    files.datasync(fd, (error) => (error ? reject(error) : resolve()))
  })
}
