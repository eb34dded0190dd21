/** A run of the simulation: actions that a seed chooses, then everything is mended and must add up. */
import { isLandfallError } from '../../src/base/errors.ts'
import { createRandom, type Random } from '../../src/simulate/random.ts'
import { type Act, SimProcess } from './processes.ts'
import { Clients } from './requests.ts'
import { World } from './world.ts'

const ACTIONS = [
  { kind: 'batch', weight: 14 },
  { kind: 'join', weight: 6 },
  { kind: 'broken', weight: 1 },
  { kind: 'repeat-key', weight: 3 },
  { kind: 'retry', weight: 3 },
  { kind: 'land', weight: 8 },
  { kind: 'check', weight: 4 },
  { kind: 'hurt-door', weight: 4 },
  { kind: 'hurt-lander', weight: 6 },
  { kind: 'kill-door', weight: 2 },
  { kind: 'kill-lander', weight: 2 },
  { kind: 'restart-door', weight: 2 },
  { kind: 'restart-lander', weight: 2 },
  { kind: 'take-over', weight: 2 },
  { kind: 'trim', weight: 3 },
  { kind: 'jump', weight: 3 },
  { kind: 'new-plan', weight: 1 },
] as const

/** One thing that happens; its own seed, so that it is the same when others are cut out. */
export interface Action {
  kind: (typeof ACTIONS)[number]['kind']
  seed: number
}

export function actionsOf(seed: number): Action[] {
  const random = createRandom(seed)
  return Array.from({ length: 6 + random.below(16) }, () => ({
    kind: random.pickWeighted(ACTIONS).kind,
    seed: random.below(2 ** 31),
  }))
}

export interface Ran {
  /** Records that the log held in the end. */
  records: number
}

/** Throws what does not add up. */
export async function runActions(name: string, actions: readonly Action[]): Promise<Ran> {
  await using world = new World(name)
  const clients = new Clients(world)
  for (const { kind, seed } of actions) await act(world, clients, kind, createRandom(seed))
  await settle(world, clients)
  return { records: world.model.history.length }
}

async function act(world: World, clients: Clients, kind: Action['kind'], random: Random): Promise<void> {
  switch (kind) {
    case 'batch':
      return clients.sendBatch(random)
    case 'join':
      return clients.join(random)
    case 'broken':
      return clients.sendBroken(random)
    case 'repeat-key':
      return clients.repeatKey(random)
    case 'retry':
      return clients.retry()
    case 'land':
      return world.land(random)
    case 'check':
      await world.check()
      return world.checkLedger()
    case 'hurt-door':
      return hurtDoor(world, random)
    case 'hurt-lander':
      return hurtLander(world, random)
    case 'kill-door':
      return world.closeDoor(true)
    case 'kill-lander':
      return world.closeLanding(true)
    case 'restart-door':
      return world.closeDoor(false)
    case 'restart-lander':
      return world.closeLanding(false)
    case 'take-over':
      return takeOver(world, random)
    case 'trim':
      await world.readLog()
      return (await world.openDoor())?.trim().catch(() => {})
    case 'jump':
      return world.time.jump((random.below(11) - 5) * 3_600_000, random.below(30) * 60_000)
    case 'new-plan':
      return newPlan(world, random)
  }
}

function aFault(random: Random): [act: Act, count: number] {
  const fate = random.below(6)
  if (fate < 2) return [{ die: random.pick(['before', 'half', 'after'] as const) }, 1]
  if (fate === 2) return [{ error: 'EIO', half: random.below(2) === 0 }, 1]
  if (fate === 3) return [{ error: 'ENOSPC', half: random.below(2) === 0 }, 1 + random.below(30)]
  return [{ error: random.pick(['EIO', 'EMFILE']) }, 1 + random.below(3)]
}

/** Something will go wrong with the door's disk: soon, or while it starts. */
async function hurtDoor(world: World, random: Random): Promise<void> {
  const isStarting = random.below(3) === 0
  if (isStarting) await world.closeDoor(random.below(2) === 0)
  const process = isStarting ? new SimProcess() : (await world.openDoor())?.process
  process?.arm(random.below(isStarting ? 25 : 8), ...aFault(random))
  if (isStarting) await world.openDoor(process)
}

async function hurtLander(world: World, random: Random): Promise<void> {
  const isStarting = random.below(3) === 0
  if (isStarting) await world.closeLanding(random.below(2) === 0)
  const process = isStarting ? new SimProcess() : (await world.openLanding(random))?.process
  if (process === undefined) return
  const after = random.below(isStarting ? 120 : 60)
  // A commit's answer that is lost: the link or the sync behind it has happened.
  if (random.below(3) === 0)
    process.arm(random.below(5), { lost: 'EIO' }, 1, [random.pick(['link', 'rename', 'sync'])])
  else process.arm(after, ...aFault(random))
  await world.land(random, process)
}

/** The lander stands still in the middle of something, another one goes on elsewhere, and the first wakes up. */
async function takeOver(world: World, random: Random): Promise<void> {
  const old = await world.openLanding(random)
  if (old === undefined) return
  const woken = Promise.withResolvers<void>()
  old.process.arm(random.below(60), { pause: woken.promise }, 1_000_000)
  const landing = old.land().then(
    () => undefined,
    (error: unknown) => error,
  )
  // It stands still now, or it is done.
  await Promise.race([landing, old.process.paused])
  const next = await world.takeOver(random)
  if (random.below(2) === 0) await next.land()
  if (random.below(2) === 0) world.time.jump(0, 20 * 60_000)
  old.process.heal()
  woken.resolve()
  const error = await landing
  if (error !== undefined && !isLandfallError(error, 'lake/fenced')) world.excuse(old.process, error)
  if (random.below(2) === 0) await next.land()
  await old.close()
}

/** A pipeline file that has gained something: the lander starts with it, then the door. */
async function newPlan(world: World, random: Random): Promise<void> {
  if (world.version === 1) return
  await world.closeLanding(random.below(2) === 0)
  world.version = 1
  await world.openLanding(random)
  await world.closeDoor(random.below(2) === 0)
}

/** All disks are well again: everything is answered, landed, and adds up, also after another start. */
export async function settle(world: World, clients: Clients): Promise<void> {
  const random = createRandom(0)
  await world.closeDoor(true)
  await world.closeLanding(true)
  // As a supervisor does: what was answered and could not be published is known from here on.
  await world.openDoor()
  await clients.retry(true)
  if (clients.unanswered > 0) throw new Error('a request is not answered although the disk is well')
  for (const machine of [world.machine, 1 - world.machine]) {
    world.machine = machine
    await world.land(random)
    const { end, behind } = await world.check()
    if (end !== world.model.history.length || behind)
      throw new Error(`all has landed, and an answer reaches ${end} of ${world.model.history.length}`)
    await world.checkLedger()
    await world.closeLanding(false)
  }
}
