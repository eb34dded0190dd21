/** The child of crash.test.ts: opens the log, appends from many callers, reports what was answered, until it is killed. */
import { writeSync } from 'node:fs'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'

const [directory = '', seed = '0'] = process.argv.slice(2)
const log = await openEmbeddedLog({ directory, segmentBytes: 128 * 1024, diskReserve: 0 })
writeSync(1, 'open\n')

async function keepAppending(caller: number): Promise<void> {
  for (let n = 0; ; n++) {
    const names = Array.from({ length: 1 + ((n + caller) % 4) }, (_, i) => `${seed}-${caller}-${n}-${i}`)
    const records = names.map((name) => ({
      key: String(caller),
      value: Buffer.from(name.padEnd(40 + ((n * 37 + caller) % 400), '.')),
      receivedAt: Date.now() * 1000,
      headers: [['id', name]] as const,
    }))
    const { baseOffset } = await log.append(records)
    // One write, so that a line is there whole or not at all: answered means reported.
    writeSync(1, `${baseOffset} ${names.join(' ')}\n`)
  }
}

await Promise.all(Array.from({ length: 16 }, (_, caller) => keepAppending(caller)))
