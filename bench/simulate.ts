import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Summary } from '../src/simulate/summary.ts'
import { type Door, startDoor } from './collector.ts'
import { type Bench, type BenchOptions, check, comparePairs, type Figure } from './harness.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const CONNECTIONS = [64, 256]
const PLAYERS = 10_000
const QUIET_MS = 200
/** The door has a core of its own, and so has the generator. */
const [DOOR_CORE, LOAD_CORE] = ['0', '1']

/**
 * `landfall simulate` as a user runs it, on one core, ÷ wrk on the same core, against the same door and its one route. wrk sends the same bytes
 * again and again; the simulator makes up its players meanwhile. Every answer that one of them counted must be an event in the log.
 */
export const benchSimulate: Bench = async (options) => {
  if (spawnSync('wrk', ['-v'], { stdio: 'ignore' }).error !== undefined) {
    options.say('simulate: wrk is not installed, there is nothing to compare with (Debian: wrk)')
    return []
  }
  await using door = await startDoor('door', `${options.directory}/door`, {})
  const pinned = cpus().length > 1
  if (pinned) execFileSync('taskset', ['-acp', DOOR_CORE, String(door.pid)], { stdio: 'ignore' })
  else options.say('simulate: one core alone, door and generators share it')
  const figures: Figure[] = []
  for (const connections of CONNECTIONS) figures.push(await compared(options, door, connections, pinned))
  return figures
}

async function compared(
  options: BenchOptions,
  door: Door,
  connections: number,
  pinned: boolean,
): Promise<Figure> {
  options.say(`simulate: players and wrk, ${connections} connections`)
  const url = `http://127.0.0.1:${door.ready.port}`
  const latencies: number[] = []
  const run = (command: string, args: string[]) =>
    promisify(execFile)(pinned ? 'taskset' : command, pinned ? ['-c', LOAD_CORE, command, ...args] : args, {
      maxBuffer: 2 ** 24,
    })
  const players = counted(door, 0, async () => {
    const words = ['--users', String(PLAYERS), '--duration', `${options.seconds}s`, '--json']
    const where = ['--http', `127.0.0.1:${door.ready.port}`, '--concurrency', String(connections)]
    const program = [join(root, 'bin', 'landfall.js'), 'simulate', join(root, 'bench', 'one-route.ts')]
    const { stdout } = await run(process.execPath, [...program, ...where, ...words])
    const summary = JSON.parse(stdout) as Summary
    check(summary.failed === 0 && summary.non2xx === 0, `simulate: requests failed\n${stdout}`)
    latencies.push(summary.percentiles['99'])
    return { completed: summary.complete, perSecond: summary.requestsPerSecond }
  })
  const wrk = counted(door, connections, async () => {
    const words = ['-t1', `-c${connections}`, `-d${options.seconds}s`, '-H', 'Host: user1.comcast.com']
    const { stdout } = await run('wrk', [...words, `${url}/purchase_a_sword/sabre`])
    check(!/Socket errors|Non-2xx/.test(stdout), `wrk: requests failed\n${stdout}`)
    return {
      completed: Number(/(\d+) requests in/.exec(stdout)?.[1]),
      perSecond: Number(/Requests\/sec: +([\d.]+)/.exec(stdout)?.[1]),
    }
  })
  const pairs = await comparePairs(options.pairs, players, wrk)
  return {
    name: `simulate ÷ wrk, each on one core, ${connections} connections`,
    value: pairs.ratio,
    unit: '×',
    goal: { is: 'at least', value: 0.9 },
    samples: pairs.ratios,
    detail: { playersPerSecond: pairs.of, wrkPerSecond: pairs.against, p99Ms: Math.max(...latencies) },
  }
}

/** `unseen`: requests that may have been answered when the generator had left. */
function counted(
  door: Door,
  unseen: number,
  generate: () => Promise<{ completed: number; perSecond: number }>,
) {
  return async () => {
    const before = await door.ask({ do: 'count' })
    const { completed, perSecond } = await generate()
    const after = await settled(door)
    const more = after.events - before.events - completed
    check(more >= 0 && more <= unseen, `${completed} answers were counted, the log has ${more} events more`)
    return perSecond
  }
}

/** The count when nothing comes any more: what was under way when the generator left belongs to this side, not to the next. */
async function settled(door: Door): Promise<{ events: number }> {
  for (let before = await door.ask({ do: 'count' }); ; ) {
    await sleep(QUIET_MS)
    const now = await door.ask({ do: 'count' })
    if (now.events === before.events) return now
    before = now
  }
}
