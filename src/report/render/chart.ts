/**
 * A figure as SVG: drawn by ECharts without a browser. Colours are variables of the page, so that it follows dark and light. What ECharts
 * counts over the whole process (names of classes) is numbered anew: equal figures give equal text.
 */
import type { EChartsType } from 'echarts/core'
import type { Value } from '../../sql/sql.ts'
import type { Figure } from '../report.ts'
import { headingText, thousands } from '../words.ts'

const INK = 'var(--ink)'
const SOFT = 'var(--soft)'
const LINE = 'var(--line)'
const COLOURS = ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)', 'var(--c5)', 'var(--c6)']
const BARS_MAX = 20
const WIDTH = 520

type Echarts = typeof import('echarts/core')
let loaded: Promise<Echarts> | undefined

async function load(): Promise<Echarts> {
  const [core, charts, components, renderers] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ])
  core.use([
    charts.BarChart,
    charts.LineChart,
    charts.PieChart,
    components.GridComponent,
    components.LegendComponent,
    renderers.SVGRenderer,
  ])
  return core
}

/** Undefined where a table says it all: no numbers, one row, or a figure that asks for a table or a number. */
export async function chartSvg(figure: Figure): Promise<string | undefined> {
  const shape = shapeOf(figure)
  if (
    !shape ||
    figure.error !== undefined ||
    figure.chart === 'table' ||
    figure.chart === 'number' ||
    figure.rows.length < 2
  )
    return undefined
  loaded ??= load()
  const echarts = await loaded
  const height = figure.chart === 'bar' ? 60 + 26 * Math.min(figure.rows.length, BARS_MAX) : 280
  const chart: EChartsType = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption({
      animation: false,
      textStyle: { color: INK, fontFamily: 'system-ui, sans-serif' },
      ...optionOf(figure, shape),
    })
    return inOwnNames(chart.renderToSVGString(), figure)
  } finally {
    // Else its clock keeps the process alive.
    chart.dispose()
  }
}

interface Shape {
  label: number
  values: number[]
}

/** The first column that is no measure names the rows; the numbers behind it are drawn. */
function shapeOf({ columns, chart }: Figure): Shape | undefined {
  const isNumber = (i: number) =>
    /^(tinyint|smallint|integer|bigint|double|real|decimal)/.test(columns[i]!.type)
  const all = columns.map((_, i) => i)
  const label =
    all.find((i) => columns[i]!.kind === 'label' || columns[i]!.kind === 'period') ??
    all.find((i) => !isNumber(i)) ??
    0
  const values = all.filter(
    (i) => i !== label && isNumber(i) && !['order', 'share', 'duration'].includes(columns[i]!.kind ?? ''),
  )
  if (values.length === 0) return undefined
  return { label, values: chart === 'line' ? values.slice(0, 2) : values.slice(0, 1) }
}

function optionOf({ rows, columns, chart }: Figure, { label, values }: Shape): object {
  const name = (row: Value[]) => short(row[label] === null ? '(none)' : String(row[label]))
  const number = (value: Value | undefined) => (value === null || value === undefined ? null : Number(value))
  if (chart === 'pie') {
    const data = rows.slice(0, 12).map((row) => ({ name: name(row), value: number(row[values[0]!]) }))
    const series = {
      type: 'pie',
      radius: ['35%', '65%'],
      data,
      label: {
        color: INK,
        formatter: ({ name, value }: { name: string; value: number }) => `${name}: ${thousands(value)}`,
      },
      itemStyle: { borderColor: 'var(--paper)', borderWidth: 2 },
    }
    return { color: COLOURS, series: [series] }
  }
  const axis = {
    axisLabel: { color: SOFT },
    axisLine: { lineStyle: { color: LINE } },
    axisTick: { show: false },
  }
  const valueAxis = { type: 'value', axisLabel: { color: SOFT }, splitLine: { lineStyle: { color: LINE } } }
  const titles = values.map((i) => headingText(columns[i]!.name))
  if (chart === 'line') {
    const series = values.map((i, k) => ({
      name: titles[k],
      type: 'line',
      symbolSize: 5,
      data: rows.map((row) => number(row[i])),
      lineStyle: { width: 2 },
    }))
    return {
      color: COLOURS,
      grid: { left: 56, right: 16, top: 36, bottom: 32 },
      legend: { top: 0, left: 0, textStyle: { color: INK }, data: titles },
      xAxis: { type: 'category', data: rows.map(name), ...axis },
      yAxis: valueAxis,
      series,
    }
  }
  const shown = rows.slice(0, BARS_MAX)
  return {
    color: COLOURS,
    grid: { left: 150, right: 56, top: 8, bottom: 28 },
    xAxis: valueAxis,
    yAxis: {
      type: 'category',
      inverse: true,
      data: shown.map(name),
      ...axis,
      axisLabel: { color: INK, width: 140, overflow: 'truncate' },
    },
    series: [
      {
        type: 'bar',
        barMaxWidth: 18,
        data: shown.map((row) => number(row[values[0]!])),
        label: {
          show: true,
          position: 'right',
          color: SOFT,
          formatter: ({ value }: { value: number }) => thousands(value),
        },
      },
    ],
  }
}

function short(text: string): string {
  return text.length > 24 ? `${text.slice(0, 23)}…` : text
}

function inOwnNames(svg: string, { id, title }: Figure): string {
  const own = `f-${id.replaceAll(/[^a-z0-9]/gi, '-')}`
  const head = `<svg role="img" aria-label="${title.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')}" `
  const numbers = new Map<string, number>()
  return svg
    .replace(/<style ?>[\s\S]*?<\/style>/g, '')
    .replace(/ (class="zr[^"]*"|ecmeta_\w+="[^"]*"|pointer-events="[^"]*")/g, '')
    .replaceAll(/zr\d+-\w+/g, (found) => {
      if (!numbers.has(found)) numbers.set(found, numbers.size)
      return `${own}-${numbers.get(found)}`
    })
    .replace(/^<svg width="\d+" height="\d+" /, head)
    .replaceAll(/\n+/g, '\n')
    .trim()
}
