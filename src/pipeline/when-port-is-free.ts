import { setTimeout as sleep } from 'node:timers/promises'
import { isLandfallError, systemCode } from '../base/errors.ts'

/** A predecessor that is just leaving may hold the port for so long. */
const PORT_WAIT_MS = 2000

/** Opens what listens, trying again for a while as long as the port is taken. */
export async function whenPortIsFree<T>(open: () => Promise<T>): Promise<T> {
  const until = performance.now() + PORT_WAIT_MS
  for (;;) {
    try {
      return await open()
    } catch (error) {
      const taken = isLandfallError(error) && systemCode(error.cause) === 'EADDRINUSE'
      if (!taken || performance.now() > until) throw error
      await sleep(50)
    }
  }
}
