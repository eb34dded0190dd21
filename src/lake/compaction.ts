import type { ManifestEntry } from './manifest.ts'
import { type PartitionSpec, partitionSpec, type TableMetadata } from './metadata.ts'
import { partitionEndMs } from './partition.ts'
import type { LakeSettings } from './settings.ts'
import { byTier } from './tiers.ts'

/** Files of one merge at most, so that one COPY does not open too many. */
const INPUTS_MAX = 512

/**
 * Which live files are merged next: the most files of one size tier within one partition, oldest first. While a partition
 * still grows, a tier is merged when it has `tierFilesMax` files; so at most 7 per tier and 5 tiers stay, and each row is
 * rewritten at most once per tier. When the partition is settled, two files of a tier are enough. Files of
 * `targetBytes` and more are left alone. Undefined: nothing to do.
 */
export function planCompaction(
  metadata: TableMetadata,
  live: readonly ManifestEntry[],
  settings: LakeSettings,
  nowMs: number,
  bytesMax: number,
): ManifestEntry[] | undefined {
  const spec = partitionSpec(metadata)
  let best: ManifestEntry[] | undefined
  for (const group of byPartition(live).values()) {
    const small = group.filter((entry) => entry.file.bytes < settings.targetBytes)
    const filesMin = isSettled(spec, group[0]!, settings, nowMs) ? 2 : settings.tierFilesMax
    const tiers = byTier(small, (entry) => entry.file.bytes, settings.smallBytes)
    for (const tier of tiers.values()) {
      if (tier.length < filesMin) continue
      const inputs = takeUntil(tier, settings.targetBytes, bytesMax)
      if (inputs.length >= 2 && inputs.length > (best?.length ?? 0)) best = inputs
    }
  }
  return best
}

function byPartition(live: readonly ManifestEntry[]): Map<string, ManifestEntry[]> {
  const groups = new Map<string, ManifestEntry[]>()
  for (const entry of live) {
    const key = JSON.stringify(entry.file.partition)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [entry])
    else group.push(entry)
  }
  return groups
}

function isSettled(
  spec: PartitionSpec,
  entry: ManifestEntry,
  settings: LakeSettings,
  nowMs: number,
): boolean {
  const field = spec.fields[0]
  const end = partitionEndMs(field, field && entry.file.partition[field.name])
  return end !== undefined && end + settings.settledMs < nowMs
}

/** The first files that together make one large file; two are always taken, so that large ones block nothing. */
function takeUntil(files: readonly ManifestEntry[], targetBytes: number, bytesMax: number): ManifestEntry[] {
  const taken: ManifestEntry[] = []
  let bytes = 0
  for (const entry of files) {
    if (bytes >= targetBytes || taken.length >= INPUTS_MAX) break
    if (taken.length >= 2 && bytes + entry.file.bytes > bytesMax) break
    taken.push(entry)
    bytes += entry.file.bytes
  }
  return taken
}
