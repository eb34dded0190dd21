/**
 * Fetches and makes what tests with real engines and tools need, so that no test waits for a download. Says what cannot be had. Exit code 1
 * when there is no place to keep it.
 */
import { formatError } from '../../src/base/errors.ts'
import { ENGINE_NAMES, loadEngine } from '../../src/stack/engines.ts'
import { provideCompose, provideDeployChecks } from '../deploy/tools.ts'
import { ARTIFACTS, type ArtifactName, findArtifact, orMissing } from './artifacts.ts'
import { engineCache } from './cache.ts'
import { sparkReader } from './spark.ts'

/** Two gigabytes; its tests are a command of their own. */
const LEFT_OUT = ['presto']

try {
  engineCache()
} catch (error) {
  process.stderr.write(`engines for tests: ${formatError(error)}\n`)
  process.exit(1)
}
const found: Promise<unknown>[] = [
  orMissing(() => sparkReader.provide(engineCache())),
  orMissing(provideDeployChecks),
  orMissing(provideCompose),
  ...ENGINE_NAMES.filter((name) => !LEFT_OUT.includes(name)).map((name) =>
    orMissing(async () => (await loadEngine(name)).provide(engineCache())),
  ),
  ...Object.keys(ARTIFACTS).map((name) => findArtifact(name as ArtifactName)),
]
for (const one of found) {
  const place = (await one) as string | { missing?: string }
  if (typeof place !== 'string' && place.missing !== undefined)
    process.stderr.write(`engines for tests: ${place.missing}\n`)
}
