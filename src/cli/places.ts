/** From settings to places. */
import type { Settings } from '../config.ts'
import { boundPlaces } from '../pipeline/bound.ts'
import { MOVABLE, ownPlaces, type Places } from '../pipeline/places.ts'
import { machineSettings } from './commands/setting-options.ts'

/** Where the URLs say; what has none is in the data directory. */
export function placesOf(settings: Settings): Places {
  const own = ownPlaces(settings.data)
  return {
    ...own,
    log: settings['log.url'] ?? own.log,
    storage: settings['storage.url'] ?? own.storage,
    catalog: settings['catalog.url'] ?? own.catalog,
    namespace: settings['catalog.namespace'],
    cacheBytesMax: settings['storage.cacheBytesMax'],
    lander: settings['lander.url'],
    secrets: {
      logUsername: settings['log.username'],
      logPassword: settings['log.password'],
      catalogToken: settings['catalog.token'],
      catalogCredential: settings['catalog.credential'],
      landerToken: settings['lander.token'],
    },
  }
}

/** For who only looks: where the URLs say; for what has none, what the data directory works with. */
export function placesToSee(settings: Settings): Promise<Places> {
  const given = MOVABLE.filter((part) => settings[`${part}.url`] !== null)
  return boundPlaces(placesOf(settings), new Set(given))
}

/** The same for a command that reads no pipeline file. */
export function lookPlaces(options: Record<string, unknown>): Promise<Places> {
  return placesToSee(machineSettings(options))
}
