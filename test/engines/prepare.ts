/** Fetches and unpacks what the engines' tests need, so that no test waits for a download. Says what cannot be had. */
import { ARTIFACTS, type ArtifactName, findArtifact } from './artifacts.ts'
import { findKafkaParts } from './kafka.ts'
import { findSparkHome } from './spark.ts'
import { findTrinoHome } from './trino.ts'

const found = [
  findTrinoHome(),
  findSparkHome(),
  findKafkaParts(),
  ...Object.keys(ARTIFACTS).map((name) => findArtifact(name as ArtifactName)),
]
for (const one of found) {
  const place = await one
  if (typeof place !== 'string' && 'missing' in place)
    process.stderr.write(`engines for tests: ${place.missing}\n`)
}
