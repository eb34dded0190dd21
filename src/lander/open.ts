/** Chooses what lands by its URL; `duckdb:` is the engine within. */
import { LandfallError } from '../base/errors.ts'
import type { Lander, LanderOptions } from './lander.ts'

/** What an engine elsewhere must know to read the log and to write the tables itself. */
export interface LanderPlaces {
  log: string
  storage: string
  catalog: string
}

export interface OpenLanderOptions extends LanderOptions {
  places: LanderPlaces
  token?: string
}

export async function openLanderAt(url: string, options: OpenLanderOptions): Promise<Lander> {
  if (url === 'duckdb:') {
    const { openLander } = await import('./lander.ts')
    return openLander(options)
  }
  throw new LandfallError('fix-config', 'lander/unknown-driver', `no lander for ${JSON.stringify(url)}`, {
    hint: 'Use duckdb: for the engine within',
  })
}
