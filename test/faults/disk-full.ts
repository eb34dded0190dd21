/** A full disk under the real `landfall up`: a small tmpfs in a mount namespace of its own, so nothing else on the machine sees it. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface DiskFullReport {
  answered: number
  refused: number
  /** Statuses of what was refused while the disk was full. */
  statuses: number[]
  /** How long it was full, and how long after it the door and SQL were well again; milliseconds. */
  fullMs: number
  doorMs: number
  sqlMs: number
  /** Some process is not the one it was before. */
  restarted: boolean
  lost: number
  doubled: number
  /** The ledger, at the end. */
  closes: boolean
}

/** Own mounts need root, or a user namespace. */
const NAMESPACES = [['-m'], ['-m', '-r']]

/** `unshare` arguments that allow a mount here, or undefined. */
export function ownMounts(): string[] | undefined {
  const probe = ['sh', '-c', 'mount -t tmpfs none /tmp']
  return NAMESPACES.find((flags) => spawnSync('unshare', [...flags, ...probe]).status === 0)
}

export async function runDiskFull(flags: readonly string[], fullMs: number): Promise<DiskFullReport> {
  const directory = mkdtempSync(join(tmpdir(), 'landfall-full-'))
  const program = [process.execPath, join(import.meta.dirname, 'disk-full-child.ts'), directory, `${fullMs}`]
  const child = spawn('unshare', [...flags, ...program], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.on('data', (text) => void (output += text))
  child.stderr.on('data', (text) => void (errors += text))
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail)
    child.once('close', done)
  })
  rmdirSync(directory)
  if (code !== 0) throw new Error(`the full disk: ended with ${code}\n${errors}`)
  return JSON.parse(output) as DiskFullReport
}
