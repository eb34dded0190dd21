/** What is wrong in the flow, in words, and how each stage is. Pure: from the figures of one look and what was seen before. */
import type { Flow, Level, Problem, Refusal, StageName } from './messages.ts'
import { totalOf } from './rates.ts'

/** Nobody made a chunk of what came, although it was asked for. */
const BEHIND_S = 5
/** Accepted events wait for longer than a batch is gathered (10 s), with time for its commit. */
const PENDING_S = 45
const RANK = { bad: 0, warn: 1 }

export type Figures = Omit<Flow, 'levels' | 'problems'>

export interface Seen {
  /** Refused since the page is watched, in the last minute; the most first. */
  refusedLately: readonly Refusal[]
  /** `behindS` of the look before. */
  behindBefore: number
  /** A part that is elsewhere does not answer. */
  away: string | undefined
  /** Why the tables could not be read. */
  unreadable: string | undefined
}

export function problemsOf(figures: Figures, seen: Seen): Problem[] {
  return [
    ...processProblems(figures),
    ...lagProblems(figures, seen),
    ...ledgerProblems(figures),
    ...doorProblems(seen),
    ...diskProblems(figures),
    ...reachProblems(seen),
  ].toSorted((a, b) => RANK[a.level] - RANK[b.level])
}

export function levelsOf(figures: Figures, problems: readonly Problem[]): Record<StageName, Level> {
  const levelOf = (stage: StageName): Level => {
    const own = problems.filter((problem) => problem.stage === stage)
    if (own.some(({ level }) => level === 'bad')) return 'bad'
    if (own.length > 0) return 'warn'
    const isHere = stage !== 'door' || figures.processes !== null
    return isHere ? 'ok' : 'unknown'
  }
  return {
    door: levelOf('door'),
    log: levelOf('log'),
    lander: levelOf('lander'),
    lake: levelOf('lake'),
    sql: levelOf('sql'),
  }
}

function processProblems({ processes, lander }: Figures): Problem[] {
  const found: Problem[] = []
  const down = (stage: 'door' | 'lander', what: string) => {
    const text = `The ${stage} process does not run: ${what}`
    found.push({
      stage,
      level: 'bad',
      text,
      hint: '“landfall up” starts it again; what it wrote to stderr says why it ended',
    })
  }
  if (processes !== null && !processes.door.alive) down('door', 'no event is taken')
  if (processes !== null && !processes.lander.alive)
    down('lander', 'events wait in the log, and nothing is lost')
  if (lander.error !== null)
    found.push({
      stage: 'lander',
      level: 'bad',
      text: `Landing is held up: ${lander.error}`,
      hint: 'It tries again by itself; events wait in the log',
    })
  return found
}

function lagProblems({ sql, lander }: Figures, { behindBefore }: Seen): Problem[] {
  const found: Problem[] = []
  if (sql.behindS > (sql.spool ? BEHIND_S : PENDING_S)) {
    const grows = sql.behindS > behindBefore
    found.push({
      stage: 'sql',
      level: grows ? 'bad' : 'warn',
      text: `SQL is ${Math.round(sql.behindS)} s behind the log${grows ? ', and falls back further' : ''}`,
      hint: 'The lander stands still, or lands more slowly than events come',
    })
  }
  if (lander.pendingS > PENDING_S)
    found.push({
      stage: 'lander',
      level: 'bad',
      text: `An accepted event has waited ${Math.round(lander.pendingS)} s to land`,
      hint: 'Look at what the lander wrote to stderr',
    })
  return found
}

function ledgerProblems({ ledger }: Figures): Problem[] {
  if (ledger === null || ledger.closes) return []
  const hint = '“landfall ledger” shows each partition and commit, “landfall verify” looks at every row'
  return ledger.findings.map((text) => ({
    stage: 'lake',
    level: 'bad',
    text: `The ledger does not close: ${text}`,
    hint,
  }))
}

function doorProblems({ refusedLately }: Seen): Problem[] {
  if (refusedLately.length === 0) return []
  const overload = refusedLately.some(({ status }) => status >= 500)
  const reasons = refusedLately.map(({ reason }) => reason).slice(0, 3)
  return [
    {
      stage: 'door',
      level: overload ? 'bad' : 'warn',
      text: `The door refused ${totalOf(refusedLately)} in the last minute: ${reasons.join(', ')}`,
      hint: overload
        ? 'It could not take more: look at the disk and at what it wrote to stderr'
        : 'Who sent them was told why; nothing of it was accepted',
    },
  ]
}

function diskProblems({ disk }: Figures): Problem[] {
  if (disk === null || disk.share > 2 * disk.reserve) return []
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  const isFull = disk.share < disk.reserve
  return [
    {
      stage: 'log',
      level: isFull ? 'bad' : 'warn',
      text: `${percent(disk.share)} of the disk is free${isFull ? ': events are answered with 503' : ''}`,
      hint: `Below ${percent(disk.reserve)} the door takes no events. Make room, or a larger disk`,
    },
  ]
}

function reachProblems({ away, unreadable }: Seen): Problem[] {
  const text = away ?? unreadable
  if (text === undefined) return []
  return [
    {
      stage: 'lake',
      level: 'bad',
      text: `What is in the tables cannot be read: ${text}`,
      hint: 'The figures below are of before',
    },
  ]
}
