import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { EventPath } from '../src/ledger/why.ts'
import { writeGameLog } from './game-log.ts'
import { type Bench, check, median, timed } from './harness.ts'
import { landAndSettle } from './settled.ts'

/** Of `--events`: ten million by default. */
const SIZE = 20
const LANDFALL = join(import.meta.dirname, '../bin/landfall.js')

/**
 * `landfall why` as a person runs it, start of the process included, over ten million landed events: by an id (random, so that no
 * statistics of a file help), by a receipt, and by an id that was never sent.
 */
export const benchWhy: Bench = async ({ pairs, events: base, directory, say }) => {
  const events = base * SIZE
  const data = `${directory}/data`
  await mkdir(`${data}/lake`, { recursive: true })
  say(`why: landing ${events} events`)
  await writeGameLog(data, events, idOf)
  await landAndSettle(data)

  const seconds = { id: [] as number[], receipt: [] as number[], never: [] as number[] }
  // The first one compiles.
  for (let run = -1; run < pairs; run++) {
    say(`why: run ${run + 1} of ${pairs}`)
    const i = Math.floor(((run + 1.5) * events) / (pairs + 2))
    const byId = await timed(() => why(data, idOf(i)))
    const [path] = byId.value
    check(path?.verdict === 'landed' && path.missing.length === 0, `event ${i} is ${path?.verdict}`)
    const byReceipt = await timed(() => why(data, path.receipt))
    check(byReceipt.value[0]?.eventId === idOf(i), `receipt ${path.receipt} is of another event`)
    const never = await timed(() => why(data, idOf(events + i)))
    check(never.value.length === 0, 'an event that was never sent has a path')
    if (run < 0) continue
    seconds.id.push(byId.seconds)
    seconds.receipt.push(byReceipt.seconds)
    seconds.never.push(never.seconds)
  }
  return [
    {
      name: 'landfall why, by id in 10 M events',
      value: median(seconds.id),
      unit: 's',
      goal: { is: 'at most', value: 1 },
      samples: seconds.id,
      detail: { events, byReceiptSeconds: median(seconds.receipt), neverSentSeconds: median(seconds.never) },
    },
  ]
}

const idOf = (i: number) =>
  createHash('md5')
    .update(String(i))
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')

async function why(data: string, asked: string): Promise<EventPath[]> {
  const run = promisify(execFile)(process.execPath, [LANDFALL, 'why', asked, '--data', data, '--json'])
  // Exit code 1: never seen.
  const { stdout } = await run.catch((error: { stdout: string }) => error)
  return (JSON.parse(stdout) as { paths: EventPath[] }).paths
}
