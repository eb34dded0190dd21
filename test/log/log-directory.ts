/** Directories for log tests, and a file system beneath the log that does what a test tells it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll } from 'vitest'
import { type EmbeddedLogOptions, openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { type LogFiles, nodeFiles } from '../../src/log/drivers/embedded/files.ts'

/** Small segments, no waiting, no reserve: what most tests want. */
export const SMALL = { segmentBytes: 64 * 1024, lockWaitMs: 0, diskReserve: 0 }

/** A way to new directories, all removed after the tests of the file. */
export function temporaryDirectories(): () => string {
  const root = mkdtempSync(`${tmpdir()}/landfall-log-`)
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  let count = 0
  return () => `${root}/${count++}/log`
}

export const openSmall = (directory: string, over: Partial<EmbeddedLogOptions> = {}) =>
  openEmbeddedLog({ directory, ...SMALL, ...over })

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the test wants it`), { code })
}

/** The real files, with some operations replaced. */
export function withFaults(faults: (real: LogFiles) => Partial<LogFiles>): LogFiles {
  return { ...nodeFiles, ...faults(nodeFiles) }
}

/** A sync that waits until it is let go, so that a test can look at what is written and not yet durable. */
export class Gate {
  #open: Promise<void> | undefined
  #release: (() => void) | undefined
  #reached: (() => void) | undefined

  shut(): void {
    this.#open = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  open(): void {
    this.#release?.()
    this.#open = undefined
  }

  /** Resolves when somebody stands before the shut gate. */
  reached(): Promise<void> {
    return new Promise((resolve) => {
      this.#reached = resolve
    })
  }

  async pass(): Promise<void> {
    if (this.#open === undefined) return
    this.#reached?.()
    await this.#open
  }
}
