import { formatError } from '../../base/errors.ts'
import type { Settings } from '../../config.ts'
import { bind } from '../../pipeline/bound.ts'
import type { Places } from '../../pipeline/places.ts'
import { whenReachable } from '../../pipeline/when-reachable.ts'
import { placesOf } from '../places.ts'
import type { Report } from '../reporter.ts'

/** Opens a stage where its settings say, and waits while a part that is elsewhere is away; says so once. */
export async function openStageAt<T>(
  settings: Settings,
  report: Report,
  open: (places: Places) => Promise<T>,
): Promise<T> {
  const places = placesOf(settings)
  await bind(places)
  const onWait = (error: unknown) =>
    report({ level: 'warn', text: `${formatError(error)}; trying again until it is there` })
  return whenReachable(places, () => open(places), { onWait })
}
