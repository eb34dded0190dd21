import { uuidv5 } from '../base/ids.ts'
import { EVENT_ID } from '../model/record.ts'

export function isEventId(text: string): boolean {
  return EVENT_ID.test(text)
}

/** The id of a record that brings none (a foreign producer): a redo derives the same. */
export function derivedEventId(logId: string, partition: number, offset: number): string {
  return uuidv5(`${logId}/${partition}/${offset}`)
}
