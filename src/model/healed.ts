/**
 * Healed events: a dead letter that was repaired and sent again. Its id names the letter, so it is the same however often and by whomever the
 * letter is repaired, and says to every reader of a table what it is. The prefix is a permanent mark: doors take no such id from
 * a client, and the lander lands the first record of one, whenever the others come and whatever they hold. Persisted: do not change it.
 */
export const HEALED_PREFIX = 'healed:'

/** The first text behind all ids of healed events. */
export const HEALED_END = 'healed;'

/** Where a dead letter stands in its log. */
export interface LetterPlace {
  logId: string
  partition: number
  offset: number
}

/** `healed:<log id>/<partition>/<offset>`: what follows the prefix is the letter's receipt. */
export function healedEventId({ logId, partition, offset }: LetterPlace): string {
  return `${HEALED_PREFIX}${logId}/${partition}/${offset}`
}

export function isHealedEventId(id: string): boolean {
  return id.startsWith(HEALED_PREFIX)
}
