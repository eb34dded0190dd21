import { setTimeout as sleep } from 'node:timers/promises'
import { isLandfallError } from '../../src/base/errors.ts'

const PATIENCE_MS = 180_000

/** Opens again while engines are slow to answer, as `landfall land` does (src/pipeline/when-reachable.ts). */
export async function patiently<T>(open: () => Promise<T>): Promise<T> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await open()
    } catch (error) {
      if (!isLandfallError(error) || error.kind !== 'retry' || performance.now() > until) throw error
      await sleep(500)
    }
  }
}
