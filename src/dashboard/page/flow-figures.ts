/** What the picture says at each stage, from one message. */
import type { Flow, StageName } from '../messages.ts'
import { ago, bytes, plural, rate, roughly, seconds } from './format.ts'

export interface StageFigures {
  name: StageName
  title: string
  /** The one figure of the stage. */
  main: string
  /** What the figure counts. */
  unit: string
  lines: [string, string]
  /** Said where a stage is not in order. */
  state: string
}

const STATES = { ok: '', unknown: 'not on this machine', warn: 'look here', bad: 'wrong' } as const

export function figuresOf(flow: Flow): StageFigures[] {
  const of = (name: StageName, title: string, rest: Omit<StageFigures, 'name' | 'title' | 'state'>) => ({
    name,
    title,
    state: stateOf(flow, name),
    ...rest,
  })
  const { door, log, lander, lake, sql, ledger } = flow
  return [
    of('door', 'Door', {
      main: rate(door.rate),
      unit: 'events accepted',
      lines: [
        door.url?.replace(/^https?:\/\//, '') ?? '',
        door.refused === 0 ? 'none refused' : `${roughly(door.refused)} refused so far`,
      ],
    }),
    of('log', 'Log', {
      main: roughly(log.records),
      unit: 'events kept',
      lines: [
        log.partitions > 1 ? `${log.partitions} partitions` : `offset ${roughly(log.end)}`,
        flow.disk === null ? '' : `${bytes(flow.disk.freeBytes)} of disk free`,
      ],
    }),
    of('lander', 'Lander', {
      main: roughly(lander.pending),
      unit: lander.pending === 1 ? 'event waits to land' : 'events wait to land',
      lines: [
        lander.pending === 0
          ? `batch ${roughly(lander.batch)}`
          : `the oldest for ${seconds(lander.pendingS)}`,
        ledger === null ? '' : plural(ledger.dead, 'dead letter'),
      ],
    }),
    of('lake', 'Lake', {
      main: roughly(lake.rows),
      unit: `rows in ${plural(lake.tables, 'table')}`,
      lines: [
        plural(lake.files, 'file'),
        lake.committedAt === null ? 'no commit yet' : `commit ${ago(lake.committedAt)}`,
      ],
    }),
    of('sql', 'SQL', {
      main: sql.behindS === 0 ? 'now' : seconds(sql.behindS),
      unit: sql.behindS === 0 ? 'sees every event' : 'behind the log',
      lines: [sql.spool ? 'tables and spool' : 'tables as committed', ''],
    }),
  ]
}

function stateOf(flow: Flow, name: StageName): string {
  const process = name === 'door' || name === 'lander' ? flow.processes?.[name] : undefined
  if (process?.alive === false) return 'down'
  return STATES[flow.levels[name]]
}

/** The picture in words, for who cannot see it. */
export function describeFlow(flow: Flow): string {
  const stages = figuresOf(flow).map(
    ({ title, main, unit, lines, state }) =>
      `${title}${state === '' ? '' : ` (${state})`}: ${[`${main} ${unit}`, ...lines.filter(Boolean)].join(', ')}`,
  )
  return `From the door to SQL. ${stages.join('. ')}.`
}
