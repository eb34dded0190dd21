import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeNamedDirectory } from '../../base/named-directory.ts'
import type { SettingName } from '../../config.ts'
import { loadPipeline } from '../../pipeline/load.ts'
import type { Kept } from '../../report/keep.ts'
import { renderReport } from '../../report/render.ts'
import { NOTHING, stampOf } from '../../report/render-texts.ts'
import { makeReport } from '../../report/report.ts'
import { usageError } from '../exit.ts'
import { keepMsOf, tryToKeep } from './keep.ts'
import { openEngine } from './sql-command.ts'

export interface ReportCommandOptions {
  out: string
  at?: string
  /** `30d`; false: `--no-keep`. */
  keep: string | false
  identify: boolean
  json: boolean
  ca?: string
}

/** `landfall report PIPELINE`. */
export async function writeReport(
  path: string,
  options: ReportCommandOptions & Record<string, unknown>,
  flags: Partial<Record<SettingName, unknown>>,
): Promise<void> {
  const { out, at, identify, json, ca } = options
  const keepMs = keepMsOf(options.keep)
  if (at !== undefined && !/^\d{1,19}$/.test(at))
    throw usageError(`--at: expected the number of a batch or a snapshot of events, found "${at}"`)
  const { compiled } = await loadPipeline(path)
  // Before anything is asked, which may take long.
  await makeNamedDirectory(out, 'the folder of the report', '--out')
  await using engine = await openEngine(flags, { ...options, ca })
  let kept: Kept | string = '--no-keep was given'
  const report = await makeReport(engine, compiled, {
    identify,
    keep: async (frozen) => {
      if (keepMs !== undefined) kept = await tryToKeep(frozen, options, keepMs)
    },
    ...(at === undefined ? {} : { at: BigInt(at) }),
  })
  const files: string[] = []
  for (const { name, content } of await renderReport(report)) {
    files.push(join(out, name))
    await writeFile(join(out, name), content)
  }
  const { findings, more, frozen, ledger } = report
  if (json) {
    const shown = {
      pipeline: compiled.name,
      batch: frozen.batch,
      committedAt: frozen.committedAt,
      ledger,
      findings,
      more,
      files,
      kept: keptFields(kept),
    }
    process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`)
    return
  }
  const lines = findings.length === 0 ? [NOTHING] : findings.map(({ title }, i) => `${i + 1}. ${title}`)
  process.stdout.write(
    `${[...lines, '', `Of ${stampOf(report)}`, ...files.map((file) => `Wrote ${file}`), keptText(kept, frozen.batch)].join('\n')}\n`,
  )
}

function keptText(kept: Kept | string, batch: number): string {
  const again = `"--at ${batch}" gives the same`
  if (typeof kept === 'string') return `Not kept: ${kept}. ${again} as long as its snapshots are there`
  return `Kept as tag ${kept.tag} until ${new Date(kept.untilMs).toISOString()}: ${again}`
}

function keptFields(kept: Kept | string) {
  if (typeof kept === 'string') return { tag: null, why: kept }
  return { tag: kept.tag, until: new Date(kept.untilMs).toISOString() }
}
