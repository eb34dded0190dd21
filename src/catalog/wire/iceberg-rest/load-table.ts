import { createHash } from 'node:crypto'
import { formatJson, type TableMetadata } from '../../../lake/metadata.ts'
import type { TableVersion } from '../../catalog.ts'
import { type Answer, badRequest } from './answers.ts'

/**
 * The answer to "load table": the metadata with every digit of its 64-bit ids, under an entity tag that stands for this version
 * (and this choice of snapshots). A client that sends the tag back gets 304 as long as nothing was committed.
 */
export function loadTableAnswer(
  version: TableVersion,
  snapshots: string,
  ifNoneMatch: string | undefined,
): Answer {
  if (snapshots !== 'all' && snapshots !== 'refs')
    throw badRequest(`snapshots: expected all or refs, found ${snapshots}`)
  const etag = tagOf(version, snapshots)
  const headers = { etag, 'cache-control': 'no-cache' }
  if (ifNoneMatch?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag))
    return { status: 304, headers }
  const metadata = snapshots === 'all' ? version.metadata : withReferencedSnapshots(version.metadata)
  const location = JSON.stringify(version.metadataLocation)
  // Put together as text: only `formatJson` keeps the digits of the ids.
  const body = `{"metadata-location":${location},"metadata":${formatJson(metadata)},"config":{}}`
  return { status: 200, headers, body }
}

function tagOf({ metadata, version }: TableVersion, snapshots: string): string {
  const text = `${metadata['table-uuid']}/${version}/${metadata['last-updated-ms']}/${snapshots}`
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
}

/** Only the snapshots that a branch or a tag names; the log of snapshots stays whole. */
function withReferencedSnapshots(metadata: TableMetadata): TableMetadata {
  const named = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']))
  const current = metadata['current-snapshot-id']
  if (current !== undefined) named.add(current)
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter((snapshot) => named.has(snapshot['snapshot-id'])),
  }
}
