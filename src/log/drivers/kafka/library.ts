import { LandfallError, systemCode } from '../../../base/errors.ts'

/** The client library; a package of its own that only this driver needs. */
export type KafkaLibrary = typeof import('@platformatic/kafka')

export async function loadKafkaLibrary(): Promise<KafkaLibrary> {
  try {
    return await import('@platformatic/kafka')
  } catch (error) {
    if (systemCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new LandfallError(
      'fix-config',
      'log/missing-package',
      'opening a kafka:// log: the package @platformatic/kafka is not installed',
      { hint: 'npm install @platformatic/kafka@2.12.1', cause: error },
    )
  }
}
