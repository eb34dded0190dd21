/** Stages on machines of their own: two data directories that share a log and storage by their URLs. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import game from '../../examples/game-simple/pipeline.ts'
import { SILENT } from '../../src/lander/logger.ts'
import { openDoor } from '../../src/pipeline/door.ts'
import { openLanding } from '../../src/pipeline/landing.ts'
import { ownPlaces, type Places } from '../../src/pipeline/places.ts'
import { landfall } from '../cli/run-cli.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-machines-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const machine = (name: string): Places => ({
  ...ownPlaces(join(root, name)),
  log: join(root, 'shared', 'log'),
  storage: join(root, 'shared', 'lake'),
})

async function collect(places: Places, events: number): Promise<void> {
  const door = await openDoor({
    pipeline: game,
    places,
    listen: { host: '127.0.0.1', port: 0 },
    insecure: false,
    collector: {},
    log: {},
    logger: SILENT,
    onReason: () => {},
  })
  for (let i = 0; i < events; i++) await fetch(`${door.address}/purchase_a_sword`)
  await door.close()
}

async function land(places: Places) {
  await using lander = await openLanding({
    pipeline: game.compiled,
    places,
    lake: {},
    lander: {},
    logger: SILENT,
    onReason: () => {},
    logWaitMs: 0,
  })
  return lander.landToEnd()
}

test('a lander elsewhere finds the plans of the collector, and each machine has its own directory', async () => {
  const [one, other] = [machine('collector'), machine('lander')]
  await collect(one, 3)
  expect(readdirSync(join(one.storage, 'plans'))).toEqual([`${game.compiled.plan.version}.json`])
  expect(existsSync(one.paths.plans)).toBe(false)
  expect(await land(other)).toMatchObject({ records: 3, landed: 3 })
  expect(existsSync(one.paths.lander)).toBe(false)
  // The collector knows from the tables how far the log must reach.
  await collect(one, 2)
  expect(await land(machine('third'))).toMatchObject({ records: 2, landed: 2 })
})

test('a query process elsewhere answers from the commits at once, and says so', async () => {
  await collect(machine('collector'), 3)
  await land(machine('lander'))
  await collect(machine('collector'), 2)
  const { log, storage, data } = machine('query')
  const asked = await landfall([
    'sql',
    'select count(*) as n from events',
    '--data',
    data,
    '--log',
    log,
    '--storage',
    storage,
  ])
  expect(asked.stdout).toMatch(/^ *3$/m)
  expect(asked.stderr).toMatch(
    /holds every event before offset 3 \(the log ends at offset 5\), as of the commit of 20\d\d-.* \(batch 1\)/,
  )
  const json = await landfall([
    'sql',
    '--json',
    'select count(*) as n from events',
    '--data',
    data,
    '--log',
    log,
    '--storage',
    storage,
  ])
  expect(JSON.parse(json.stdout)).toEqual([{ n: 3 }])
  expect(json.stderr).toMatch(/^warning: holds every event before offset 3/)
})
