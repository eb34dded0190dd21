/** Programs of the field that tests use beside the engines: clients. */
import { formatError } from '../../src/base/errors.ts'
import { type Artifact, provideArtifact } from '../../src/stack/artifacts.ts'
import { engineCache } from './cache.ts'

export const ARTIFACTS = {
  'trino-cli': {
    coordinates: 'io.trino:trino-cli:476:jar:executable',
    sha256: 'fe4e9c7fb569cd67673afa1622945f6308e1e59bdb825419352b80887661757b',
  },
  'trino-jdbc': {
    coordinates: 'io.trino:trino-jdbc:476:jar',
    sha256: 'a3736d21609a5a317d2ce88b3835e312e9b6f41393c1d4b09f2ad6e7aeb3bb90',
  },
  'presto-cli': {
    coordinates: 'com.facebook.presto:presto-cli:0.287:jar:executable',
    sha256: 'ff91091dae44976266625476e5f4dc483273324433e36ef209154ce947e34c90',
  },
} satisfies Record<string, Artifact>

export type ArtifactName = keyof typeof ARTIFACTS

/** The path of an artifact, fetched if need be, or why it cannot be had. */
export function findArtifact(name: ArtifactName): Promise<string | { missing: string }> {
  return orMissing(() => provideArtifact(engineCache(), ARTIFACTS[name]))
}

/** What `provide` gives, or the one line that says why it cannot: the reason of a skipped test. */
export async function orMissing<T>(provide: () => Promise<T>): Promise<T | { missing: string }> {
  try {
    return await provide()
  } catch (error) {
    return { missing: formatError(error) }
  }
}
