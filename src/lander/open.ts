/** Chooses what lands by its URL; `duckdb:` is the engine within, `sc://host:15002` a Spark Connect server. */
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
  secrets?: LanderSecrets
}

/** Who it is to the parts elsewhere; never in a text. */
export interface LanderSecrets {
  /** Of the engine itself. */
  token?: string
  kafkaUsername?: string
  kafkaPassword?: string
  catalogToken?: string
  /** `id:secret` */
  catalogCredential?: string
}

export async function openLanderAt(url: string, options: OpenLanderOptions): Promise<Lander> {
  if (url === 'duckdb:') {
    const { openLander } = await import('./lander.ts')
    return openLander(options)
  }
  if (/^sc:/i.test(url)) {
    const { openSparkLanderAt } = await import('./drivers/spark/open-spark.ts')
    return openSparkLanderAt(url, options)
  }
  throw new LandfallError('fix-config', 'lander/unknown-driver', `no lander for ${JSON.stringify(url)}`, {
    hint: 'Use duckdb: for the engine within, or sc://host:15002 for Spark',
  })
}
