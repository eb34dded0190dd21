/** The sentences of a report, the same in every form of it. */
import type { Figure, Report } from './report.ts'
import { weekText } from './weeks.ts'
import { thousands } from './words.ts'

/** What every figure carries: which state it is of, how old, and whether the ledger closes. */
export function stampOf({ frozen, ledger, newest }: Report): string {
  const snapshot = frozen.tables.get('events')?.snapshotId ?? 'none'
  return `batch ${frozen.batch}, snapshot ${snapshot} of events, committed ${frozen.committedAt}, newest event ${newest ?? 'none'}, ${closesText(ledger.closes)}`
}

function closesText(closes: boolean | null): string {
  if (closes === null) return 'ledger not known'
  return closes ? 'ledger closes' : 'ledger does NOT close'
}

export function titleOf({ pipeline }: Report): string {
  return `${pipeline.name}: report`
}

export function periodText({ weeks }: Report): string {
  if (!weeks) return 'There are no events of persons to compare.'
  return `The week of ${weekText(weeks.now)} beside the week of ${weekText(weeks.before)} (days of UTC).`
}

export function ledgerText({ frozen: { counters }, ledger }: Report): string {
  if (!counters) return 'The commits of this table carry no counts, so nothing can be said about the ledger.'
  const sum = `${thousands(counters.records)} accepted and landed = ${thousands(counters.landed)} in events + ${thousands(counters.dead)} dead letters + ${thousands(counters.duplicate)} duplicates.`
  const rows = `The tables have ${thousands(ledger.events)} and ${thousands(ledger.deadLetters)} rows.`
  return `${sum} ${rows} ${ledger.closes ? 'The ledger closes: nothing is missing and nothing is there twice.' : 'The ledger does NOT close: ask "landfall ledger" before you trust a figure.'}`
}

export const NOTHING = 'Nothing unusual: no finding is both certain and large enough to act on.'

export const METHOD = [
  'Every figure is asked in SQL of the snapshots of one batch; the statements below can be asked again as they stand for as long as these snapshots are kept.',
  'A finding compares the last seven complete days with the seven before. Shares are compared by a two-sided two-proportion test, values of a field by a binomial test beside the whole; all of them together are corrected by Holm at 1 %.',
  'To be told, a drop in a step must also be at least 3 points and 15 % of its share with 100 persons in both weeks; a group must fall to a tenth of what the others did from at least 20 events of 5 persons; dead letters must double and reach 0.1 % with at least 20; a single person must bring 5 % of all and twice what the next one does, among at least 30 who paid.',
  'The same persons may be in both weeks, which makes the tests say less rather than more. No finding says why.',
]

export function personsText({ identify }: Report): string {
  return identify
    ? 'Persons are shown as they are (--identify).'
    : 'Persons are pseudonyms, the same in every report; whoever can guess a name can check the guess. Rows of fewer than 5 persons are left out of our own figures. Questions show what their SQL says, with pseudonyms for persons.'
}

export function sectionOf({ figures }: Report, section: Figure['section']): Figure[] {
  return figures.filter((each) => each.section === section)
}
