/**
 * Power cuts of a real file system: an image of ext4 is mounted, a process ingests, lands and maintains in it, and at a moment that nobody chose the
 * file system is shut down without writing back what it still holds (EXT4_IOC_SHUTDOWN, as if the power went). The image is mounted
 * again, ext4 replays its journal, and the next process recovers and holds the tables to what was acknowledged.
 *
 *   unshare -m node test/recorded/power-cut-ext4.ts [CUTS] [SEED]
 *
 * As root, on Linux with loop devices; in a mount namespace of its own, since a copy of the mount in another's would keep the dead file system alive. The last
 * run: docs/reliability.md.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomSource } from '../faults/events.ts'
import { pipeline } from '../faults/pipeline.ts'
import type { SweepTask } from '../faults/sweep-child.ts'

const CUTS_OF_AN_IMAGE = 25
const CHILD = join(import.meta.dirname, '../faults/sweep-child.ts')
/** Node has no ioctl. 0x8004587d is EXT4_IOC_SHUTDOWN, 2 is EXT4_GOING_FLAGS_NOLOGFLUSH. */
const SHUT_DOWN = `import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))`

const cuts = Number(process.argv[2] ?? 100)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)
const random = randomSource(seed)
const scratch = mkdtempSync(join(tmpdir(), 'landfall-ext4-'))
const mountPoint = join(scratch, 'disk')
const image = join(scratch, 'image')
mkdirSync(mountPoint)
writeFileSync(join(scratch, 'pipeline.json'), JSON.stringify(pipeline))

let verdicts = 0
let isMounted = false
try {
  for (let cut = 0; cut < cuts; cut++) {
    if (cut % CUTS_OF_AN_IMAGE === 0) makeImage()
    else mount()
    await workUntilCut(cut)
  }
  mount()
  await recover(cuts)
} finally {
  if (isMounted) unmount()
}
rmSync(scratch, { recursive: true })
process.stdout.write(
  `ext4: ${cuts} power cuts, ${verdicts} recoveries held to the truth, 0 lost, 0 doubled (seed ${seed})\n`,
)

function makeImage(): void {
  rmSync(image, { force: true })
  execFileSync('truncate', ['-s', '256M', image])
  execFileSync('mkfs.ext4', ['-q', '-F', image])
  rmSync(join(scratch, 'journal'), { force: true })
  mount()
  mkdirSync(join(mountPoint, 'data'))
  execFileSync('sync', ['-f', mountPoint])
}

function mount(): void {
  execFileSync('mount', ['-o', 'loop', image, mountPoint])
  isMounted = true
}

function unmount(): void {
  execFileSync('umount', [mountPoint])
  isMounted = false
}

/** A child that recovers, judges and works, until the disk is gone. */
async function workUntilCut(number: number): Promise<void> {
  const { child, errors, judged } = start(number, 100_000)
  const closed = new Promise<void>((done) => child.once('close', () => done()))
  await Promise.race([judged, closed])
  if (child.exitCode !== null)
    throw new Error(`child ${number} of seed ${seed} has not recovered:\n${errors()}`)
  verdicts += 1
  await sleep(random() * 3000)
  execFileSync('python3', ['-c', SHUT_DOWN, mountPoint])
  child.kill('SIGKILL')
  await closed
  unmount()
  if (process.stderr.isTTY) process.stderr.write(`\r${number + 1} of ${cuts} cuts`)
}

async function recover(number: number): Promise<void> {
  const { child, errors } = start(number, 0)
  const code = await new Promise((done) => child.once('close', done))
  if (code !== 0) throw new Error(`child ${number} of seed ${seed} has not recovered:\n${errors()}`)
  verdicts += 1
}

function start(
  number: number,
  rounds: number,
): { child: ChildProcess; errors: () => string; judged: Promise<void> } {
  const task: SweepTask = {
    directory: join(mountPoint, 'data'),
    journal: join(scratch, 'journal'),
    pipeline: join(scratch, 'pipeline.json'),
    number,
    seed,
    rounds,
  }
  const child = spawn(process.execPath, [CHILD, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stderr.on('data', (chunk) => void (text += chunk))
  const judged = new Promise<void>((done) => child.stdout.once('data', () => done()))
  return { child, errors: () => text, judged }
}
