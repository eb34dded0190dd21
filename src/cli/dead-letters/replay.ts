import { resolve } from 'node:path'
import { resolveSettings } from '../../config.ts'
import { type ReplayReport, replayDeadLetters } from '../../pipeline/dead-letters/replay.ts'
import { loadPipeline, loadRepair } from '../../pipeline/load.ts'
import { placesToSee } from '../places.ts'
import { openProgress, type Progress } from '../progress.ts'
import { formatTable } from '../table.ts'
import type { Flags } from './ask.ts'
import { countOf, type FilterOptions, letterFilter } from './filters.ts'

export interface ReplayCommandOptions extends FilterOptions {
  repair?: string
  apply: boolean
  examples: string
  json: boolean
}

/** Fewer letters are done before anyone looks. */
const SILENT_MAX = 10_000

/** `landfall deadletters replay PIPELINE`. */
export async function replayCommand(
  path: string,
  options: ReplayCommandOptions,
  flags: Flags,
): Promise<void> {
  const filter = letterFilter(options)
  const examplesMax = countOf('--examples', options.examples)
  const { compiled } = await loadPipeline(path)
  const repair = options.repair === undefined ? undefined : await loadRepair(resolve(options.repair))
  const settings = resolveSettings({ flags, environment: process.env, pipeline: compiled.settings })
  const stop = new AbortController()
  process.once('SIGINT', () =>
    stop.abort(new Error('interrupted: what is appended lands, the rest can be replayed')),
  )
  let progress: Progress | undefined
  const report = await replayDeadLetters({
    pipeline: compiled,
    places: await placesToSee(settings),
    ...(repair === undefined ? {} : { repair }),
    filter,
    apply: options.apply,
    examplesMax,
    eventBytesMax: settings['collector.eventBytesMax'],
    signal: stop.signal,
    onProgress(letters, total) {
      if (total < SILENT_MAX) return
      progress ??= openProgress('dead letters', total)
      progress.update(letters)
    },
    onNote: (text) => process.stderr.write(`landfall: ${text}\n`),
  })
  progress?.end()
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : format(report, options))
}

function format(report: ReplayReport, { repair }: ReplayCommandOptions): string {
  const { applied, letters, healed_before: before, on_their_way: coming, heals, remains } = report
  const lines = [
    `${letters} dead ${letters === 1 ? 'letter' : 'letters'} = ${heals} ${applied ? 'healed now' : 'would heal'} + ${remains} ${applied ? 'remain' : 'would remain'} + ${before} healed before + ${coming} on their way`,
  ]
  if (report.groups.length > 0) lines.push('', 'What remains', groupTable(report))
  if (report.examples.length > 0) {
    lines.push('', repair === undefined ? 'What heals' : 'Before and after')
    for (const { event_id: id, before: from, after } of report.examples)
      lines.push(`  ${id}`, `  - ${shown(from)}`, ...(from === after ? [] : [`  + ${shown(after)}`]))
  }
  if (!applied && heals > 0) lines.push('', 'Nothing has been changed. --apply heals them')
  if (applied && heals > 0) lines.push('', 'The healed events are in the log and land with the next batch')
  return `${lines.join('\n')}\n`
}

function groupTable({ groups }: ReplayReport): string {
  const rows = groups.map(({ why, reason, field, event_type: event, letters, detail, event_id: id }) => [
    String(letters),
    why,
    reason,
    field ?? '',
    event ?? '',
    shown(detail),
    id,
  ])
  const head = ['Letters', 'Why', 'Reason', 'Field', 'Event', 'Detail', 'Example']
  return formatTable(head, rows, { right: new Set([0]) })
}

function shown(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text
}
