/** A lander over a log of the game's events, which it lands anew into empty tables each time it is told to. */
import { join } from 'node:path'
import { openEmbeddedLog } from '../../src/log/drivers/embedded/embedded-log.ts'
import { fill, land } from '../lander.ts'
import { childSettings, cpuSeconds, serve } from './serve.ts'

export interface LandSettings {
  directory: string
  events: number
}

export interface Landed {
  perSecond: number
  /** Of all threads, DuckDB's included. */
  cpuSeconds: number
}

const { directory, events } = childSettings<LandSettings>()
const log = await openEmbeddedLog({ directory: join(directory, 'log') })
await fill(join(directory, 'lines.ndjson'), log, events)

async function once(): Promise<Landed> {
  const before = cpuSeconds()
  const perSecond = await land(log, directory, events)
  return { perSecond, cpuSeconds: cpuSeconds() - before }
}

await serve<{ do: string }, Landed>({ perSecond: 0, cpuSeconds: 0 }, once, () => log[Symbol.asyncDispose]())
