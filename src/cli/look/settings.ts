import type { AnySetting } from '../../base/setting.ts'
import { SETTINGS } from '../../config.ts'
import { formatTable } from '../table.ts'

interface Row {
  name: string
  default: string
  flag: string
  environment: string
  pipeline: boolean
  help: string
}

export function settingRows(): Row[] {
  return Object.entries(SETTINGS as Record<string, AnySetting>).map(([name, spec]) => ({
    name,
    default: spec.format(spec.default as never),
    flag:
      spec.flag === null ? '' : spec.flag + (spec.placeholder === undefined ? '' : ` ${spec.placeholder}`),
    environment: spec.environment,
    pipeline: spec.inPipeline,
    help: spec.help,
  }))
}

/** `landfall settings`. */
export function showSettings({ json }: { json: boolean }): void {
  const rows = settingRows()
  if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  else {
    const cells = rows.map((row) => [row.name, row.default, row.flag, row.environment, row.help])
    process.stdout.write(
      `${formatTable(['Setting', 'Default', 'Flag', 'Environment', 'What it is'], cells, { spare: [3, 4] })}\n`,
    )
  }
}
