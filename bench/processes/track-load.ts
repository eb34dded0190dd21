/** An application that tracks so many events per second with `landfall/client`. */
import type game from '../../examples/game/pipeline.ts'
import { createTracker, type TrackerStats } from '../../src/client/client.ts'
import { childSettings, serve } from './serve.ts'

export interface TrackSettings {
  url: string
  perSecond: number
}

const { url, perSecond } = childSettings<TrackSettings>()
const tracker = createTracker<typeof game>({ url, queueEventsMax: 100_000 })
const begun = performance.now()
let tracked = 0
const timer = setInterval(() => {
  for (const due = ((performance.now() - begun) / 1000) * perSecond; tracked < due; tracked++) {
    void tracker.track('purchase_sword', { type: 'sabre', cost: tracked % 100 })
  }
}, 10)

const stop = async (): Promise<TrackerStats> => {
  clearInterval(timer)
  return tracker.close()
}

await serve<{ do: 'stop' }, TrackerStats>(tracker.stats(), stop, async () => void (await stop()))
