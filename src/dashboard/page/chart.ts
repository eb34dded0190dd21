/** An answer as a drawing: bars for a few things, lines over time. In the page's own colours, so it follows dark and light. */
import { h, s } from './dom.ts'
import { textOf } from './grid.ts'
import type { AnswerColumn, Cell } from './trino.ts'

export type ChartKind = 'bars' | 'lines'

const NUMBER = /^(tinyint|smallint|integer|bigint|real|double|decimal)/
const TIME = /^(date|timestamp)/
const SERIES_MAX = 6
const BARS_MAX = 40
const POINTS_MAX = 2000
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

export interface ChartData {
  labels: string[]
  /** Milliseconds since 1970 of the labels, when all of them are times. */
  times: number[] | undefined
  series: { name: string; values: (number | null)[] }[]
}

/** Labels from the first column that is no number (else the first), series from the numbers; undefined: nothing can be drawn. */
export function chartData(
  columns: readonly AnswerColumn[],
  rows: readonly (readonly Cell[])[],
): ChartData | undefined {
  const isNumber = columns.map(({ type }) => NUMBER.test(type))
  const at = Math.max(0, isNumber.indexOf(false))
  const numbers = columns.flatMap((_, i) => (isNumber[i] && i !== at ? [i] : [])).slice(0, SERIES_MAX)
  if (rows.length === 0 || numbers.length === 0) return undefined
  const shown = rows.slice(0, POINTS_MAX)
  const labels = shown.map((row) => (row[at] === null ? 'null' : textOf(row[at]!)))
  const times = TIME.test(columns[at]!.type) ? shown.map((row) => timeOf(row[at])) : undefined
  return {
    labels,
    times: times?.every(Number.isFinite) ? times : undefined,
    series: numbers.map((i) => ({
      name: columns[i]!.name,
      values: shown.map((row) => numberOf(row[i]!)),
    })),
  }
}

export function kindFor({ times, labels }: ChartData): ChartKind {
  return times !== undefined && labels.length > 2 ? 'lines' : 'bars'
}

/** Infinity has no place in a drawing. */
function numberOf(cell: Cell): number | null {
  return cell !== null && Number.isFinite(Number(cell)) ? Number(cell) : null
}

/** A time without a zone is UTC, as everywhere in Landfall. NaN for null, and for a zone with a name. */
function timeOf(cell: Cell | undefined): number {
  const [day = '', clock, zone = 'UTC'] = String(cell).split(' ')
  return Date.parse(clock === undefined ? day : `${day}T${clock}${zone === 'UTC' ? 'Z' : zone}`)
}

/** Drawn for the width that the element has, and again when that changes. */
export function chart(data: ChartData, kind: ChartKind, label: string): HTMLElement {
  const host = h('div', { class: 'chart' })
  let drawn = -1
  new ResizeObserver(() => {
    const width = Math.floor(host.clientWidth)
    if (width === 0 || width === drawn) return
    drawn = width
    host.replaceChildren(kind === 'lines' ? drawLines(data, width, label) : drawBars(data, width, label))
  }).observe(host)
  return h('figure', { class: 'answer-chart' }, data.series.length > 1 ? legend(data) : null, host)
}

function legend({ series }: ChartData): HTMLElement {
  return h(
    'ul',
    { class: 'legend plain' },
    series.map(({ name }, i) => h('li', {}, h('span', { class: `key s${i}`, 'aria-hidden': 'true' }), name)),
  )
}

function drawBars({ labels, series }: ChartData, width: number, label: string): SVGSVGElement {
  const count = Math.min(labels.length, BARS_MAX)
  const thick = series.length === 1 ? 18 : Math.max(6, 20 / series.length)
  const each = thick * series.length + 10
  const height = count * each + 4
  const longest = Math.max(...labels.slice(0, count).map((text) => text.length))
  const left = Math.min(Math.round(width * 0.36), longest * 7.4 + 14)
  const room = Math.max(width - left - 64, 40)
  const top = Math.max(
    1e-9,
    ...series.flatMap(({ values }) => values.slice(0, count).map((value) => value ?? 0)),
  )
  const svg = picture(width, height, `${label}: ${count} bars`)
  const fits = Math.floor((left - 14) / 7.4)
  for (let row = 0; row < count; row++) {
    const y = row * each + 2
    const text = labels[row]!
    svg.append(
      s(
        'text',
        { class: 'bar-label', x: left - 10, y: y + (thick * series.length) / 2 + 4.5, 'text-anchor': 'end' },
        text.length > fits ? `${text.slice(0, Math.max(fits - 1, 1))}…` : text,
        s('title', {}, text),
      ),
    )
    for (const [i, { name, values }] of series.entries()) {
      const value = values[row]
      if (value === null || value === undefined) continue
      const long = Math.max(1, (Math.max(value, 0) / top) * room)
      const at = y + i * thick
      svg.append(
        s(
          'rect',
          { class: `s${i}`, x: left, y: at, width: long, height: thick - 1, rx: 2 },
          s('title', {}, `${text}, ${name}: ${number.format(value)}`),
        ),
      )
      if (thick >= 10)
        svg.append(
          s('text', { class: 'tick', x: left + long + 6, y: at + thick / 2 + 4 }, number.format(value)),
        )
    }
  }
  return svg
}

function drawLines({ labels, times, series }: ChartData, width: number, label: string): SVGSVGElement {
  const height = 260
  const area = { left: 52, right: width - 12, top: 10, bottom: height - 26 }
  const xs = times ?? labels.map((_, i) => i)
  const [from, to] = [Math.min(...xs), Math.max(...xs)]
  const values = series.flatMap((one) => one.values.filter((value) => value !== null))
  const [low, top] = [Math.min(0, ...values), Math.max(1e-9, ...values)]
  const x = (at: number) => area.left + ((at - from) / Math.max(to - from, 1)) * (area.right - area.left)
  const y = (value: number) => area.bottom - ((value - low) / (top - low)) * (area.bottom - area.top)
  const svg = picture(
    width,
    height,
    `${label}: ${series.map(({ name }) => name).join(', ')} from ${labels[0]} to ${labels.at(-1)}`,
  )
  for (let i = 0; i <= 4; i++) {
    const value = low + ((top - low) * i) / 4
    svg.append(
      s('line', { class: 'axis', x1: area.left, x2: area.right, y1: y(value), y2: y(value) }),
      s(
        'text',
        { class: 'tick', x: area.left - 8, y: y(value) + 4, 'text-anchor': 'end' },
        short.format(value),
      ),
    )
  }
  const ticks = Math.max(2, Math.min(6, Math.floor(width / 140)))
  for (let i = 0; i < ticks; i++) {
    const at = from + ((to - from) * i) / (ticks - 1)
    const anchor = i === 0 ? 'start' : i === ticks - 1 ? 'end' : 'middle'
    const text = times === undefined ? labels[Math.round(at)]! : timeLabel(at, to - from)
    svg.append(s('text', { class: 'tick', x: x(at), y: height - 6, 'text-anchor': anchor }, text))
  }
  const order = xs.map((_, i) => i).sort((a, b) => xs[a]! - xs[b]!)
  for (const [i, { name, values: of }] of series.entries()) {
    const points = order.filter((at) => of[at] !== null)
    const path = points
      .map((at, k) => `${k === 0 ? 'M' : 'L'}${x(xs[at]!).toFixed(1)} ${y(of[at]!).toFixed(1)}`)
      .join('')
    svg.append(s('path', { class: `line s${i}`, d: path }))
    if (points.length > 60) continue
    for (const at of points)
      svg.append(
        s(
          'circle',
          { class: `s${i}`, cx: x(xs[at]!), cy: y(of[at]!), r: 3 },
          s('title', {}, `${labels[at]}, ${name}: ${number.format(of[at]!)}`),
        ),
      )
  }
  return svg
}

function timeLabel(at: number, span: number): string {
  const text = new Date(at).toISOString()
  return span > 3 * 86_400_000
    ? text.slice(0, 10)
    : span > 86_400_000
      ? text.slice(5, 16).replace('T', ' ')
      : text.slice(11, 19)
}

function picture(width: number, height: number, label: string): SVGSVGElement {
  return s('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label })
}
