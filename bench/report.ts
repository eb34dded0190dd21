import { appendFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { type Figure, passes } from './harness.ts'

/** What a figure depends on; no names of hosts or paths. */
export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    /** What runs here besides, where the system tells (processes that want a core, mean of the last minute). */
    load: precise(loadavg()[0]!),
  }
}

/** One line per run: when, on what, with which settings, and the figures with every sample. */
export function appendHistory(
  path: string,
  machine: ReturnType<typeof describeMachine>,
  settings: Record<string, unknown>,
  figures: readonly Figure[],
): void {
  const line = {
    at: new Date().toISOString(),
    machine,
    settings,
    figures: figures.map(rounded),
  }
  appendFileSync(path, `${JSON.stringify(line)}\n`)
}

function rounded(figure: Figure) {
  const detail = Object.fromEntries(
    Object.entries(figure.detail).map(([name, value]) => [name, precise(value)]),
  )
  return {
    ...figure,
    value: precise(figure.value),
    samples: figure.samples.map(precise),
    detail,
    pass: passes(figure) ?? null,
  }
}

/** Four digits are more than any of these figures is worth. */
function precise(value: number): number {
  return Number(value.toPrecision(4))
}

export function formatTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const pass = passes(figure)
    const goal =
      figure.goal === undefined ? '' : `${figure.goal.is === 'at least' ? '≥' : '≤'} ${figure.goal.value}`
    const spread = `${short(Math.min(...figure.samples))} … ${short(Math.max(...figure.samples))}`
    const verdict = pass === undefined ? '' : pass ? 'pass' : 'short'
    return [figure.name, `${short(figure.value)} ${figure.unit}`, goal, verdict, spread]
  })
  const table = [['path', 'figure', 'goal', '', 'least … most'], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
