/** What landed in the last quarter of an hour: each commit a block, as wide as the time it gathered and as high as its events per second. */
import type { CommitSpan } from '../messages.ts'
import { h, s, setAttribute, setText } from './dom.ts'
import { clock, count, plural, rate, roughly } from './format.ts'

const SPAN_MS = 15 * 60_000
const HEIGHT = 132
const FOOT = 20
const HEAD = 14
const PARTS = ['landed', 'dead', 'duplicate'] as const

export interface CommitsChart {
  readonly element: HTMLElement
  show(commits: readonly CommitSpan[]): void
  close(): void
}

export function createCommitsChart(): CommitsChart {
  const host = h('div', { class: 'chart' })
  const caption = h('figcaption', { class: 'soft' })
  const element = h('figure', { class: 'commits' }, host, caption)
  let commits: readonly CommitSpan[] = []
  let drawn = ''

  // Told when it changes: to ask for it at each message would make the browser lay out the page each time.
  let width = 0

  const draw = () => {
    const now = Date.now()
    const shown = commits.filter(({ to }) => to > now - SPAN_MS)
    const key = `${width} ${shown.map(({ batch }) => batch).join(',')} ${Math.floor(now / 15_000)}`
    if (width === 0 || key === drawn) return
    drawn = key
    host.replaceChildren(drawChart(shown, width, now))
    setText(caption, captionOf(shown))
  }
  // The blocks move to the left as time passes, also when nothing is committed.
  const timer = setInterval(draw, 15_000)
  const watching = new ResizeObserver(([entry]) => {
    width = Math.floor(entry!.contentRect.width)
    draw()
  })
  watching.observe(host)
  return {
    element,
    show(next) {
      commits = next
      draw()
    },
    close() {
      clearInterval(timer)
      watching.disconnect()
    },
  }
}

function captionOf(commits: readonly CommitSpan[]): string {
  if (commits.length === 0) return 'Nothing was committed in the last 15 minutes.'
  const sum = (part: (typeof PARTS)[number]) => commits.reduce((total, commit) => total + commit[part], 0)
  const parts = [`${count(sum('landed'))} landed`]
  if (sum('dead') > 0) parts.push(`${count(sum('dead'))} dead letters`)
  if (sum('duplicate') > 0) parts.push(`${count(sum('duplicate'))} duplicates`)
  return `${parts.join(', ')} in ${plural(commits.length, 'commit')}. Newest: ${clock(commits.at(-1)!.to).slice(0, 8)} UTC.`
}

function drawChart(commits: readonly CommitSpan[], width: number, now: number): SVGSVGElement {
  const perSecond = (commit: CommitSpan) =>
    ((commit.landed + commit.dead + commit.duplicate) * 1000) / Math.max(commit.to - commit.from, 1000)
  const top = niceTop(Math.max(1, ...commits.map(perSecond)))
  const plot = HEIGHT - FOOT - HEAD
  const x = (at: number) => Math.max(0, ((at - now + SPAN_MS) / SPAN_MS) * width)
  const svg = s('svg', { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, 'aria-hidden': 'true' })
  svg.append(
    s('line', { class: 'axis', x1: 0, x2: width, y1: HEAD + 0.5, y2: HEAD + 0.5 }),
    s('line', { class: 'axis', x1: 0, x2: width, y1: HEAD + plot + 0.5, y2: HEAD + plot + 0.5 }),
    s('text', { class: 'tick', x: 0, y: HEAD - 4 }, rate(top)),
  )
  for (const minutes of [15, 10, 5, 0]) {
    const at = ((15 - minutes) / 15) * width
    const anchor = minutes === 15 ? 'start' : minutes === 0 ? 'end' : 'middle'
    svg.append(
      s(
        'text',
        { class: 'tick', x: at, y: HEIGHT - 4, 'text-anchor': anchor },
        minutes === 0 ? 'now' : `${minutes} min ago`,
      ),
    )
  }
  for (const commit of commits) {
    const [from, to] = [x(commit.from), x(commit.to)]
    const total = commit.landed + commit.dead + commit.duplicate
    let y = HEAD + plot
    for (const part of PARTS) {
      if (commit[part] === 0) continue
      const height = Math.max(1, (plot * (perSecond(commit) / top) * commit[part]) / total)
      y -= height
      svg.append(s('rect', { class: `part ${part}`, x: from, y, width: Math.max(to - from - 1, 1), height }))
    }
  }
  setAttribute(svg, 'data-top', roughly(top))
  return svg
}

/** 1, 2 or 5 times a power of ten, at least the value. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value * 0.999)!
}
