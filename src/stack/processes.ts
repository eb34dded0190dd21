/**
 * Processes that outlive who started them, and are found again: by the file `<name>.pid` in the engine's directory.
 *
 * A shell writes that file, with its own id and the time of its start, and then becomes the engine. So there is no moment at which an
 * engine runs and nothing tells of it, whenever its starter dies; and a process that got the number later is not taken for ours.
 * Each leads a group of its own, which ends as a whole. Names of logs: `<name>.log`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export interface EngineProcess {
  /** One word, unique in the engine: `namenode`. */
  name: string
  command: readonly string[]
  env?: Record<string, string>
}

export interface RunningProcess {
  name: string
  pid: number
}

const STOP_MAX_MS = 15_000
const KILL_MAX_MS = 5_000
const LOOK_MS = 50

const LAUNCH = `
file="$1"; shift
{ echo $$; if [ -r /proc/$$/stat ]; then cat /proc/sys/kernel/random/boot_id /proc/$$/stat; else ps -o lstart= -p $$; fi; } > "$file.new" &&
mv "$file.new" "$file" && exec "$@"`

/** Starts a process in `directory`; resolves when its file stands. */
export async function launch(directory: string, { name, command, env }: EngineProcess): Promise<void> {
  const file = join(directory, `${name}.pid`)
  rmSync(file, { force: true })
  const log = openSync(join(directory, `${name}.log`), 'a')
  const child = spawn('sh', ['-c', LAUNCH, 'sh', file, ...command], {
    detached: true,
    cwd: directory,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
  })
  closeSync(log)
  let ended = false
  child.on('exit', () => (ended = true))
  child.on('error', () => (ended = true))
  while (!existsSync(file) && !ended) await sleep(5)
  child.unref()
}

/** Those of an engine's processes that run. */
export function runningProcesses(directory: string): RunningProcess[] {
  return recorded(directory)
    .filter(({ pid, identity }) => isOurs(pid, identity))
    .map(({ name, pid }) => ({ name, pid }))
}

/** Memory that a process takes, shared libraries and all; 0 where the system does not tell. */
export function residentBytes(pid: number): number {
  try {
    const [, kb] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kb ?? 0) * 1024
  } catch {
    return 0
  }
}

/** True when each of these runs: an engine of two processes of which one has ended does not. */
export function areRunning(directory: string, names: readonly string[]): boolean {
  const running = new Set(runningProcesses(directory).map(({ name }) => name))
  return names.every((name) => running.has(name))
}

/** Sends a signal to one process of an engine with its group, and waits until it is gone. */
export async function killProcess(directory: string, name: string, signal: NodeJS.Signals): Promise<void> {
  const one = runningProcesses(directory).find((running) => running.name === name)
  if (one === undefined) return
  signalGroup(one.pid, signal)
  if (signal === 'SIGSTOP' || signal === 'SIGCONT') return
  await untilGone([one.pid], STOP_MAX_MS)
}

/** Ends all processes of an engine: SIGTERM, then after a while SIGKILL. Resolves when none is left. */
export async function stopProcesses(directory: string): Promise<void> {
  const pids = runningProcesses(directory).map(({ pid }) => pid)
  for (const pid of pids) signalGroup(pid, 'SIGTERM')
  if (!(await untilGone(pids, STOP_MAX_MS))) {
    for (const pid of pids) signalGroup(pid, 'SIGKILL')
    await untilGone(pids, KILL_MAX_MS)
  }
  for (const { name } of recorded(directory)) rmSync(join(directory, `${name}.pid`), { force: true })
}

async function untilGone(pids: readonly number[], maxMs: number): Promise<boolean> {
  const until = performance.now() + maxMs
  while (pids.some(hasGroup)) {
    if (performance.now() > until) return false
    await sleep(LOOK_MS)
  }
  return true
}

function recorded(directory: string): { name: string; pid: number; identity: string }[] {
  if (!existsSync(directory)) return []
  const files = readdirSync(directory).filter((name) => name.endsWith('.pid'))
  return files.map((file) => {
    const [pid, ...start] = readFileSync(join(directory, file), 'utf8').trim().split('\n')
    const identity = start.length === 2 ? `${start[0]} ${parseStat(start[1]!).startedAt}` : start.join(' ')
    return { name: file.slice(0, -'.pid'.length), pid: Number(pid), identity }
  })
}

/** A group whose leader has ended keeps its number, so what is left of it is still ours. */
function isOurs(pid: number, identity: string): boolean {
  const now = identityOf(pid)
  return now === undefined ? hasGroup(pid) : now === identity
}

/** When a process started, in the system's own terms; undefined when there is none. */
function identityOf(pid: number): string | undefined {
  if (!existsSync('/proc/self/stat'))
    return (
      spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim() || undefined
    )
  const stat = statOf(pid)
  if (stat === undefined || stat.state === 'Z') return undefined
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${stat.startedAt}`
}

/** proc(5): the name in parentheses may hold anything, so fields are counted behind the last one. */
function parseStat(line: string): { state: string; group: number; startedAt: string } {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0]!, group: Number(fields[2]), startedAt: fields[19]! }
}

function statOf(pid: number): ReturnType<typeof parseStat> | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    // It has just ended.
    return undefined
  }
}

/** True when a process of the group lives. One that has ended and that nobody has asked for (a zombie) does not. */
function hasGroup(pid: number): boolean {
  try {
    process.kill(-pid, 0)
  } catch {
    return false
  }
  if (!existsSync('/proc/self/stat')) return true
  return readdirSync('/proc').some((name) => {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined
    return stat !== undefined && stat.group === pid && stat.state !== 'Z'
  })
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Nobody is left in it.
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
