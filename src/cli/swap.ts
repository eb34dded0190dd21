/** `landfall swap PIPELINE lander=URL`. */
import { LandfallError } from '../base/errors.ts'
import { resolveSettings, roomSettings, type SettingName } from '../config.ts'
import { loadPipeline } from '../pipeline/load.ts'
import { namedOf } from '../pipeline/named.ts'
import type { Rehearsal, Side } from '../pipeline/swap/rehearse.ts'
import { openSwap, type Swap } from '../pipeline/swap/swap.ts'
import { EXIT, usageError } from './exit.ts'
import { placesToSee } from './places.ts'
import { openProgress, type Progress } from './progress.ts'
import { formatTable } from './table.ts'

export interface SwapCommandOptions {
  rehearse: boolean
  dryRun: boolean
  records: string
  json: boolean
}

export async function runSwap(
  path: string,
  change: string,
  options: SwapCommandOptions,
  flags: Partial<Record<SettingName, unknown>>,
): Promise<void> {
  const next = nextLander(change)
  const records = Number(options.records)
  if (!(Number.isSafeInteger(records) && records > 0))
    throw usageError(`--records ${options.records}: expected a number of records`)
  const { compiled } = await loadPipeline(path)
  const settings = resolveSettings({ flags, environment: process.env, pipeline: compiled.settings })
  const stop = new AbortController()
  process.once('SIGINT', () =>
    stop.abort(new LandfallError('closed', 'swap/stopped', 'stopped: nothing was handed over')),
  )
  await using swap = await openSwap({
    pipeline: compiled,
    named: namedOf(compiled, path),
    places: await placesToSee(settings),
    next,
    settings: roomSettings(settings, 'lander'),
  })
  if (swap.now === swap.next && !options.dryRun) throw inChargeAlready(next)
  const rehearsal =
    options.rehearse || options.dryRun ? await rehearse(swap, records, options.json, stop.signal) : undefined
  const handsOver = !options.dryRun && rehearsal?.equal !== false
  if (handsOver) await swap.handOver()
  if (options.json) {
    const result = {
      now: swap.now,
      next: swap.next,
      ...(rehearsal ? { rehearsal } : {}),
      handedOver: handsOver,
    }
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
  } else process.stdout.write(`${conclusion(swap, rehearsal, handsOver)}\n`)
  if (rehearsal?.equal === false) process.exitCode = EXIT.failure
}

/** `lander=URL` → URL. */
function nextLander(change: string): string {
  const match = /^([a-z]+)=(.+)$/.exec(change)
  if (match === null) throw usageError(`${change}: expected lander=URL, e.g. lander=sc://127.0.0.1:15002`)
  if (match[1] !== 'lander') {
    throw usageError(
      `${change}: only the lander can be swapped by a command; docs/guide/outgrow.md says how to move the ${match[1]}`,
    )
  }
  return match[2]!
}

function inChargeAlready(url: string): LandfallError {
  return new LandfallError('fix-request', 'swap/same', `${url} is the lander in charge already`, {
    hint: 'Nothing was changed. With --dry-run it can be rehearsed against itself',
  })
}

async function rehearse(
  swap: Swap,
  records: number,
  quiet: boolean,
  signal: AbortSignal,
): Promise<Rehearsal> {
  let total = 0
  let progress: Progress | undefined
  let on: Side | undefined
  const urls: Record<Side, string> = { now: swap.now, next: swap.next }
  const rehearsal = await swap.rehearse({
    records,
    signal,
    onRange(from, to) {
      const ranges = Object.entries(to.next).map(
        ([partition, end]) => `partition ${partition}: ${from.next[Number(partition)] ?? 0} to ${end - 1}`,
      )
      total = Object.entries(to.next).reduce(
        (sum, [partition, end]) => sum + end - (from.next[Number(partition)] ?? 0),
        0,
      )
      if (!quiet) process.stderr.write(`rehearsing on ${total} offsets (${ranges.join(', ')})\n`)
    },
    onProgress(side, landed) {
      if (quiet) return
      if (on !== side) {
        progress?.end()
        progress = openProgress(urls[side], total)
        on = side
      }
      progress!.update(landed)
    },
  })
  progress?.end()
  if (!quiet) process.stdout.write(formatRehearsal(swap, rehearsal))
  return rehearsal
}

function formatRehearsal({ now, next }: Swap, { sides, tables, questions }: Rehearsal): string {
  const side = (url: string, { seconds, records, landed, dead, duplicate }: Rehearsal['sides'][Side]) => [
    url,
    seconds.toFixed(1),
    (records / seconds).toFixed(0),
    ...[landed, dead, duplicate].map(String),
  ]
  const right = (...columns: number[]) => ({ right: new Set(columns) })
  const landed = formatTable(
    ['lander', 'seconds', 'records/s', 'landed', 'dead', 'duplicate'],
    [side(`${now} (now)`, sides.now), side(next, sides.next)],
    right(1, 2, 3, 4, 5),
  )
  const compared = formatTable(
    ['table', 'rows now', 'rows next', 'checksum now', 'checksum next', ''],
    tables.map((one) => [
      one.table,
      String(one.now.rows),
      String(one.next.rows),
      one.now.checksum,
      one.next.checksum,
      one.equal ? 'equal' : 'DIFFERS',
    ]),
    right(1, 2),
  )
  const answered = formatTable(
    ['question', 'rows now', 'rows next', ''],
    questions.map((one) => [
      one.question,
      String(one.now ?? '-'),
      String(one.next ?? '-'),
      one.equal ? 'equal' : 'DIFFERS',
    ]),
    right(1, 2),
  )
  const differences = [
    ...tables.map(({ table, differences: lines }) => ({ name: table, lines })),
    ...questions.map(({ question, differences: lines }) => ({ name: question, lines })),
  ].flatMap(({ name, lines }) => lines.map((line) => `${name}: ${line}`))
  const parts = [landed, compared, ...(questions.length === 0 ? [] : [answered])]
  return `${[...parts, ...(differences.length === 0 ? [] : [differences.join('\n')])].join('\n\n')}\n\n`
}

function conclusion({ now, next }: Swap, rehearsal: Rehearsal | undefined, handedOver: boolean): string {
  if (rehearsal?.equal === false)
    return `${next} lands something else: nothing was handed over, ${now} goes on`
  const said = rehearsal === undefined ? '' : 'equal: '
  if (!handedOver) return `${said}nothing was handed over (--dry-run), ${now} goes on`
  return `${said}${next} is in charge of the tables now; a lander that runs goes over to it by itself`
}
