/** `lander/ids/manifest.json` (docs/formats/ids.md): which runs there are, and what they are complete for. */
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from '@node-rs/crc32'
import { readIfPresent, replaceFile } from '../../base/files.ts'
import type { Position } from '../../model/position.ts'
import type { Seed } from './prints.ts'
import { type RunFacts, runPath } from './run.ts'

const FORMAT = 'landfall-ids'
const FORMAT_VERSION = 1

export interface IdsManifest {
  seed: Seed
  /** UUID of the table `events` that the ids landed in. */
  table: string
  /** The runs have the first records of all ids before it … */
  position: Position
  /** … that no later record can be too late for, by this window (µs). */
  windowMicros: number
  runs: RunFacts[]
}

/** Replaces the manifest; durable when resolved. The runs that it names must be synced. */
export async function saveManifest(directory: string, manifest: IdsManifest): Promise<void> {
  const line = `${JSON.stringify({ format: FORMAT, formatVersion: FORMAT_VERSION, ...manifest })}\n`
  await replaceFile(join(directory, 'manifest.json'), `${line}${checksumLine(line)}`)
}

/** Undefined when there is none, or what is there is not what was written: the ids are made anew from the tables then. */
export async function loadManifest(directory: string): Promise<IdsManifest | undefined> {
  const bytes = await readIfPresent(join(directory, 'manifest.json'))
  if (bytes === undefined) return undefined
  const end = bytes.indexOf('\n') + 1
  const line = bytes.toString('utf8', 0, end)
  if (bytes.toString('utf8', end) !== checksumLine(line)) return undefined
  const { format, formatVersion, ...manifest } = JSON.parse(line) as Record<string, unknown>
  if (format !== FORMAT || formatVersion !== FORMAT_VERSION) return undefined
  return manifest as unknown as IdsManifest
}

/** Removes everything but the manifest and these runs. */
export async function removeOthers(directory: string, runs: readonly RunFacts[]): Promise<void> {
  const kept = new Set(['manifest.json', ...runs.map(({ number }) => runPath('', number))])
  for (const name of await readdir(directory)) if (!kept.has(name)) await unlink(join(directory, name))
}

function checksumLine(line: string): string {
  return `{"crc32c":"${crc32c(line).toString(16).padStart(8, '0')}"}\n`
}
