import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSealed, sealJson } from '../base/sealed-json.ts'

export const STAGES = ['door', 'lander', 'query'] as const
export type StageName = (typeof STAGES)[number]

/** `<data>/up.json`: what runs on this data directory, and where. Written once it serves and at each restart of a process. */
export interface UpFile {
  /** Process id of `landfall up`. */
  supervisor: number
  /** RFC 3339. */
  startedAt: string
  /** Absolute path of the pipeline file. */
  pipeline: string
  /** URLs without a slash at the end. */
  http: string
  sql: string
  processes: Partial<Record<StageName, number>>
}

const path = (data: string) => join(data, 'up.json')

/** Replaces the file whole. Not synced: after a power cut nothing of what it says is true. */
export function writeUpFile(data: string, content: UpFile): void {
  const temporary = `${path(data)}.${process.pid}.tmp`
  writeFileSync(temporary, sealJson(`${JSON.stringify(content, null, 2)}\n`))
  renameSync(temporary, path(data))
}

export function removeUpFile(data: string): void {
  rmSync(path(data), { force: true })
}

/** What runs on a data directory now, or undefined: a file that a killed supervisor left behind counts for nothing. */
export function readUpFile(data: string): UpFile | undefined {
  let content: UpFile
  try {
    content = openSealed(readFileSync(path(data))) as unknown as UpFile
    process.kill(content.supervisor, 0)
    return content
  } catch (error) {
    // EPERM: it lives, and is someone else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? content! : undefined
  }
}
