/**
 * How healed events come into a log that a door has locked: as files in `<data>/replay`, which the door takes. Whoever may write there may
 * write the log as well, so nobody else needs to be asked, and no address takes a healed event.
 *
 *   replay/<uuid>.json       records, in a file that is synced and then renamed into place
 *   replay/<uuid>.refused    why the log will never take them
 *
 * What a kill leaves: before the rename, a file that nothing takes (`.tmp`), and that goes when it is an hour old. After it, a file that this door or the next one takes. Between
 * the append and the removal, a file that is taken again: its records come twice into the log and land once (docs/formats/lander.md).
 */
import { randomUUID } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { isLandfallError, LandfallError } from '../../base/errors.ts'
import { makeDirectory, readIfPresent, replaceFile } from '../../base/files.ts'
import type { EventLog } from '../../log/log.ts'
import { recordHeader } from '../../model/record.ts'

/** A healed event on its way; it is received when the log takes it. */
export interface HealedRecord {
  value: string
  headers: [string, string][]
}

interface InboxFile {
  format: 'landfall-replay'
  version: 1
  records: HealedRecord[]
}

const TAKEN = '.json'
const REFUSED = '.refused'
const UNFINISHED = '.tmp'
/** Nobody writes so long. */
const UNFINISHED_MS = 3_600_000
const LOOK_MS = 1000
/** Only its owner may read what users did. */
const MODE = 0o600

/** Hands records over: durable when resolved. Returns the name to look for. */
export async function putIntoInbox(directory: string, records: HealedRecord[]): Promise<string> {
  await makeDirectory(directory)
  const name = randomUUID()
  const file: InboxFile = { format: 'landfall-replay', version: 1, records }
  await replaceFile(join(directory, `${name}${TAKEN}`), JSON.stringify(file), MODE)
  return name
}

/** Whether the log has taken them. Throws `log/refused` when it never will. */
export async function isTaken(directory: string, name: string): Promise<boolean> {
  if ((await readIfPresent(join(directory, `${name}${TAKEN}`))) !== undefined) return false
  const why = await readIfPresent(join(directory, `${name}${REFUSED}`))
  if (why === undefined) return true
  throw new LandfallError('bad-data', 'log/refused', `the log does not take these events: ${why}`, {
    hint: 'The others are not touched by it',
  })
}

/** Appends what the inbox holds, file by file. What the log cannot take now stays for the next time (its error is thrown). */
export async function takeInbox(directory: string, log: EventLog, clock: Clock): Promise<number> {
  let taken = 0
  for (const name of (await readdir(directory)).sort()) {
    const path = join(directory, name)
    if (name.endsWith(UNFINISHED)) await removeOld(path, clock)
    if (!name.endsWith(TAKEN)) continue
    try {
      const records = parse(await readFile(path))
      await appendHealed(log, records, clock.nowMicros())
      taken += records.length
    } catch (error) {
      // Another one was as quick.
      if ((error as { code?: unknown }).code === 'ENOENT') continue
      const isFinal = isLandfallError(error, 'log/too-large') || isLandfallError(error, 'log/not-a-replay')
      if (!isFinal) throw error
      await replaceFile(path.slice(0, -TAKEN.length) + REFUSED, error.message, MODE)
    }
    await unlink(path).catch(() => {})
  }
  return taken
}

/** What a killed process has left. One that cannot be removed stays. */
async function removeOld(path: string, clock: Clock): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && clock.nowMicros() / 1000 - found.mtimeMs > UNFINISHED_MS)
    await unlink(path).catch(() => {})
}

/** Durable when resolved. */
export async function appendHealed(
  log: EventLog,
  records: readonly HealedRecord[],
  receivedAt: number,
): Promise<void> {
  if (records.length === 0) return
  // No key: the id decides the partition, so whoever heals the letter again meets the first of it.
  await log.append(
    records.map(({ value, headers }) => ({ key: null, value: Buffer.from(value), receivedAt, headers })),
  )
}

function parse(bytes: Buffer): HealedRecord[] {
  try {
    const { format, version, records } = JSON.parse(bytes.toString()) as InboxFile
    const isSound = records.every(
      ({ value, headers }) =>
        typeof value === 'string' &&
        headers.every(([name, text]) => typeof name === 'string' && typeof text === 'string') &&
        headers.some(([name]) => name === recordHeader.eventId),
    )
    if (format === 'landfall-replay' && version === 1 && isSound) return records
  } catch {}
  throw new LandfallError(
    'bad-data',
    'log/not-a-replay',
    'the file is not what "landfall deadletters" writes',
  )
}

/** The door's side: takes what is there, and what comes, until it is closed. The directory must be there. */
export function watchInbox(
  directory: string,
  log: EventLog,
  clock: Clock,
  warn: (error: unknown) => void,
): AsyncDisposable {
  let taking: Promise<void> | undefined
  let failed = false
  let closed = false
  const take = async () => {
    try {
      await takeInbox(directory, log, clock)
      failed = false
    } catch (error) {
      // Told once; the file stays and is tried again.
      if (!failed) warn(error)
      failed = true
    }
  }
  const look = () => {
    if (closed || taking !== undefined) return
    taking = take().finally(() => {
      taking = undefined
    })
  }
  let watcher: FSWatcher | undefined
  try {
    watcher = watch(directory, { persistent: false }, look)
    watcher.on('error', () => watcher?.close())
  } catch {
    // No watch left on this system: the look once a second finds it.
  }
  const timer = setInterval(look, LOOK_MS)
  timer.unref()
  look()
  return {
    async [Symbol.asyncDispose]() {
      closed = true
      watcher?.close()
      clearInterval(timer)
      await taking
    },
  }
}
