import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openFileCatalog } from '../../src/catalog/drivers/file.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { type Door, openDoor, trimLog } from '../../src/pipeline/door.ts'
import { openLanding } from '../../src/pipeline/landing.ts'
import { ownPlaces } from '../../src/pipeline/places.ts'
import { openLocalStorage } from '../../src/storage/drivers/local.ts'
import { game } from '../collector/game.ts'
import { World } from '../lander/support.ts'

const logger = { info: () => {}, warn: () => {}, error: () => {} }

test('a log that tables know more of than it holds is not written to', async () => {
  const data = mkdtempSync(join(tmpdir(), 'landfall-door-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const places = ownPlaces(data)
  const open = (): Promise<Door> =>
    openDoor({
      pipeline: game,
      places,
      listen: { host: '127.0.0.1', port: 0 },
      insecure: false,
      collector: {},
      log: {},
      logger,
      onReason: () => {},
    })
  const record = async () => {
    const door = await open()
    expect((await fetch(`${door.address}/purchase_a_sword/sabre`)).status).toBe(200)
    await door.close()
  }
  await record()
  const backup = join(data, 'backup')
  cpSync(places.log, backup, { recursive: true })
  await record()
  const options = { lake: {}, lander: {}, logger, onReason: () => {}, logWaitMs: 0 }
  const lander = await openLanding({ ...options, pipeline: game.compiled, places })
  expect(await lander.landToEnd()).toMatchObject({ landed: 2 })
  await lander[Symbol.asyncDispose]()

  rmSync(places.log, { recursive: true })
  cpSync(backup, places.log, { recursive: true })
  // Its next event would get an offset that the tables have passed, and never land.
  await expect(open()).rejects.toMatchObject({ code: 'log/damaged', details: { from: 1, to: 2 } })
})

test('the log is not trimmed beyond the state, nor beyond what has landed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'landfall-trim-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const log = await openEmbeddedLog({ directory, segmentBytes: 200, retention: { ageMs: 0, bytes: 0 } })
  await using world = new World(undefined, log)
  const send = async () => {
    for (let i = 0; i < 5; i++) await world.send({ event: { event_type: 'default' } })
  }
  const catalog = openFileCatalog(openLocalStorage(join(world.directory, 'lake')))
  const startAfter = async (statePosition: number | null) => {
    const position = statePosition === null ? null : { logId: log.id, next: { 0: statePosition } }
    await trimLog(async () => catalog, log, { statePosition: position })
    return (await log.start()).next[0]
  }
  await send()
  expect(await startAfter(null)).toBe(0)
  await world.land()
  await send()
  expect(await startAfter(2)).toBe(2)
  expect(await startAfter(9)).toBe(5)
  expect(await startAfter(null)).toBe(5)
})
