/**
 * What is unusual in the last week beside the week before. Every finding says how large the effect is, of how many, compared with when,
 * and claims no cause. Tests of shares are corrected for how many were made (Holm), and an effect must also be large enough to act on: so
 * a report of an ordinary week says that there is nothing unusual.
 */
import type { Value } from '../../sql/sql.ts'
import { percent, thousands } from '../words.ts'
import { binomialAtMost, holm, twoShares } from './statistics.ts'

export interface Finding {
  kind: 'dead-letters' | 'funnel' | 'group' | 'whale'
  /** One sentence for a reader in a hurry. */
  title: string
  /** What was seen, and how much. */
  text: string
  /** How many it was seen among. */
  sample: string
  recommended: string
  /** Ids of the figures that it was read from. */
  figures: string[]
  /** After the correction; null: a rule of size alone. */
  p: number | null
}

/** Rows of the figures that findings are read from, for both weeks. */
export interface Evidence {
  now: string
  before: string
  funnel?: { figures: string[]; now: Value[][]; before: Value[][] }
  groups: { figures: string[]; event: string; field: string; now: Value[][]; before: Value[][] }[]
  money?: { figures: string[]; name: string; payers: number; now: Value[][]; before: Value[][] }
  dead?: { figures: string[]; now: Value[][]; before: Value[][]; eventsNow: number; eventsBefore: number }
}

const ALPHA = 0.01
export const FINDINGS_MAX = 3

interface Candidate {
  p: number
  finding: Omit<Finding, 'p'>
}

export function findUnusual(evidence: Evidence): Finding[] {
  const tested = [...funnelDrops(evidence), ...fallenGroups(evidence), ...moreDeadLetters(evidence)]
  const corrected = holm(tested.map(({ p }) => p))
  const found: Finding[] = tested.flatMap(({ finding }, i) =>
    finding.title !== '' && corrected[i]! < ALPHA ? [{ ...finding, p: corrected[i]! }] : [],
  )
  const whale = largeShare(evidence)
  if (whale) found.push({ ...whale, p: null })
  return ranked(found)
}

/** First the most certain of each kind, then the others. */
function ranked(found: readonly Finding[]): Finding[] {
  const kinds = ['dead-letters', 'funnel', 'group', 'whale'] as const
  const byKind = kinds.map((kind) =>
    found.filter((each) => each.kind === kind).sort((a, b) => (a.p ?? 0) - (b.p ?? 0)),
  )
  return [...byKind.flatMap((each) => each.slice(0, 1)), ...byKind.flatMap((each) => each.slice(1))]
}

/** What was tested and is too small to speak of still counts in the correction. */
function tooSmall(kind: Finding['kind'], p: number): Candidate {
  return { p, finding: { kind, title: '', text: '', sample: '', recommended: '', figures: [] } }
}

function funnelDrops({ funnel, now, before }: Evidence): Candidate[] {
  if (!funnel) return []
  return funnel.now.slice(1).map((row, i) => {
    const [of2, of1] = [Number(funnel.now[i]![2]), Number(funnel.before[i]![2])]
    const [hits2, hits1] = [Number(row[2]), Number(funnel.before[i + 1]![2])]
    const p = twoShares(hits1, of1, hits2, of2)
    const [share2, share1] = [hits2 / of2, hits1 / of1]
    if (!(of1 >= 100 && of2 >= 100 && hits1 >= 30 && share2 < share1 * 0.85 && share1 - share2 >= 0.03))
      return tooSmall('funnel', p)
    const [step, from] = [String(row[1]), String(funnel.now[i]![1])]
    return {
      p,
      finding: {
        kind: 'funnel',
        title: `Fewer persons go on from ${from} to ${step}: ${percent(share2)} instead of ${percent(share1)}`,
        text: `From ${now}, ${percent(share2)} of the persons who had reached ${from} went on to ${step}; from ${before} it was ${percent(share1)}. That is a drop by ${percent((share1 - share2) / share1)}.`,
        sample: `${thousands(hits2)} of ${thousands(of2)} persons, beside ${thousands(hits1)} of ${thousands(of1)} the week before`,
        recommended: `Walk through the way from ${from} to ${step} as a user does, and look at what was changed there between the two weeks.`,
        figures: funnel.figures,
      },
    }
  })
}

function fallenGroups({ groups, now, before }: Evidence): Candidate[] {
  return groups.flatMap(({ figures, event, field, now: rows, before: rowsBefore }) => {
    const total = (all: Value[][]) => all.reduce((sum, row) => sum + Number(row[1]), 0)
    const [totalNow, totalBefore] = [total(rows), total(rowsBefore)]
    return rowsBefore.flatMap(([label, events, persons]) => {
      const [was, is] = [Number(events), Number(rows.find((row) => row[0] === label)?.[1] ?? 0)]
      if (label === null || was < 20 || Number(persons) < 5) return []
      const p = binomialAtMost(is, was + is, totalNow / (totalNow + totalBefore || 1))
      const usual = (was * totalNow) / (totalBefore || 1)
      if (is > 0.1 * usual) return [tooSmall('group', p)]
      return [
        {
          p,
          finding: {
            kind: 'group',
            title: `Almost no ${event} with ${field} ${String(label)} any more: ${thousands(is)} after ${thousands(was)}`,
            text: `From ${now} there were ${thousands(is)} events ${event} with ${field} ${String(label)}; from ${before} there were ${thousands(was)}. All ${event} together went from ${thousands(totalBefore)} to ${thousands(totalNow)}.`,
            sample: `${thousands(was)} events of ${thousands(Number(persons))} persons the week before`,
            recommended: `Ask some of the ${thousands(Number(persons))} persons who were there the week before, and check whether ${String(label)} can still be reached.`,
            figures,
          },
        } satisfies Candidate,
      ]
    })
  })
}

function moreDeadLetters({ dead, now, before }: Evidence): Candidate[] {
  if (!dead) return []
  const count = (rows: Value[][]) => rows.reduce((sum, row) => sum + Number(row[1]), 0)
  const [is, was] = [count(dead.now), count(dead.before)]
  const [of2, of1] = [is + dead.eventsNow, was + dead.eventsBefore]
  const p = twoShares(was, of1, is, of2)
  const [share2, share1] = [is / (of2 || 1), was / (of1 || 1)]
  if (!(is >= 20 && of1 >= 100 && share2 >= 2 * share1 && share2 - share1 >= 0.001))
    return [tooSmall('dead-letters', p)]
  const [reason, most] = dead.now[0] ?? ['unknown', 0]
  return [
    {
      p,
      finding: {
        kind: 'dead-letters',
        title: `More events cannot be used: ${percent(share2)} instead of ${percent(share1)}`,
        text: `From ${now}, ${thousands(is)} of ${thousands(of2)} events became dead letters (${percent(share2)}); from ${before} it was ${percent(share1)}. The most frequent reason is ${String(reason)} (${thousands(Number(most))}).`,
        sample: `${thousands(is)} of ${thousands(of2)} events, beside ${thousands(was)} of ${thousands(of1)} the week before`,
        recommended:
          'List them with "landfall deadletters reasons", let the sender mend them, and replay those that can be repaired.',
        figures: dead.figures,
      },
    },
  ]
}

/** One person who brings a large part of the money, and several times what the next one does. */
function largeShare({ money, now, before }: Evidence): Omit<Finding, 'p'> | undefined {
  if (!money || money.payers < 30) return undefined
  const [first, second] = money.now
  const [label, value, , share] = first ?? []
  if (!(Number(share) >= 0.05 && Number(value) >= 2 * Number(second?.[1] ?? 0))) return undefined
  const was = money.before.find((row) => row[0] === label)
  return {
    kind: 'whale',
    title: `One person brings ${percent(Number(share))} of all ${money.name}`,
    text: `From ${now}, ${String(label)} brought ${thousands(Number(value))} of ${money.name}, which is ${percent(Number(share))} of all and ${(Number(value) / Number(second?.[1] || 1)).toFixed(1)} times what the next person brought; from ${before} it was ${was ? `${percent(Number(was[3]))}` : 'not among the persons who brought most'}.`,
    sample: `${thousands(money.payers)} persons who paid that week`,
    recommended:
      'Look at the figures with and without this person before acting on them, and make sure that such amounts are meant to be possible.',
    figures: money.figures,
  }
}
