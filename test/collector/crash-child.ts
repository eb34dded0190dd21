/** A collector over an embedded log in a process of its own, to be killed: `crash-child.ts DIRECTORY`. */
import { join } from 'node:path'
import { openCollector } from '../../src/collector/collector.ts'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { game } from './game.ts'

const data = process.argv[2]!
const log = await openEmbeddedLog({ directory: join(data, 'log') })
const collector = await openCollector({
  pipeline: game,
  log,
  host: '127.0.0.1',
  port: 0,
  stateDirectory: join(data, 'state'),
  settings: { snapshotEvents: 50, snapshotIntervalMs: 50 },
})
process.stdout.write(`${collector.address}\n`)
