/** How fresh an answer is, in words. */
import type { Freshness } from './sql.ts'

/** `offset 12`, or with several partitions `offsets {"0":12,"1":9}`. */
export function placeText(position: Freshness['position']): string {
  const next = Object.values(position?.next ?? {})
  if (next.length > 1) return `offsets ${JSON.stringify(position!.next)}`
  return `offset ${next[0] ?? 0}`
}

/** What a person would want to know before relying on the newest rows; undefined when the answer holds all there is. */
export function freshnessWarning(freshness: Freshness): { name: string; text: string } | undefined {
  const { position, end, behind } = freshness
  if (isCommitted(freshness)) return { name: 'LANDFALL_COMMITTED', text: committedText(freshness) }
  if (!behind) return undefined
  const text = `the log ends at ${placeText(end)}, this answer reaches to ${placeText(position)}: the lander is behind or not running`
  return { name: 'LANDFALL_BEHIND', text }
}

/** `holds every event before offset 12`, with the commit when nothing newer was to be seen. Undefined when it is not known. */
export function freshnessText(freshness: Freshness): string | undefined {
  if (isCommitted(freshness)) return committedText(freshness)
  return freshness.position === undefined
    ? undefined
    : `holds every event before ${placeText(freshness.position)}`
}

function isCommitted(
  freshness: Freshness,
): freshness is Freshness & Required<Pick<Freshness, 'committedAt'>> {
  return freshness.committedAt !== undefined
}

function committedText({
  position,
  end,
  batch,
  committedAt,
}: Freshness & Required<Pick<Freshness, 'committedAt'>>) {
  const open = end === undefined || placeText(end) === placeText(position)
  const rest = open ? '' : ` (the log ends at ${placeText(end)})`
  if (committedAt === null) return `nothing is committed yet${rest}`
  const when = new Date(committedAt).toISOString().replace(/\.\d+Z$/, 'Z')
  return `holds every event before ${placeText(position)}${rest}, as of the commit of ${when} (batch ${batch})`
}
