import type { Reason } from '../../collector/reasons.ts'
import type { Note } from '../reporter.ts'

/**
 * A new reason for dead letters: which event, which field, what to do. The door tells what it sees at once, the lander what it
 * judges; the supervisor says each once.
 */
export function reasonNote({ event, source, reason, field, detail, remedy }: Reason): Note {
  const what = [event ?? 'an event without a name', field === null ? '' : `field ${field}`]
  return {
    level: 'warn',
    text: `dead letter: ${what.filter(Boolean).join(', ')}: ${reason}: ${detail}. ${remedy}`,
    fields: { event, source, reason, field },
    once: JSON.stringify([event, reason, field]),
  }
}
