/**
 * The drawing of the flow: five boxes and what leads from one to the next, side by side where there is room, else one below the other.
 * Made once for each width; a message only changes its texts.
 */
import type { Flow, StageName } from '../messages.ts'
import { s, setAttribute, setText } from './dom.ts'
import { describeFlow, figuresOf, type StageFigures } from './flow-figures.ts'

const WIDE_MIN = 820
const WIDE = { gap: 44, height: 146, pad: 16 }
const NARROW = { gap: 26, height: 84, pad: 14 }
const STAGES = 5

interface Box {
  root: SVGGElement
  title: SVGTextElement
  state: SVGTextElement
  main: SVGTextElement
  unit: SVGTextElement
  lines: SVGTextElement[]
}

export interface FlowPicture {
  readonly element: HTMLElement
  show(flow: Flow): void
  close(): void
}

export function createFlowPicture(element: HTMLElement): FlowPicture {
  let boxes: Box[] = []
  let arrows: SVGGElement[] = []
  let picture: SVGSVGElement | undefined
  let drawnFor = -1
  let last: Flow | undefined

  const draw = () => {
    const width = Math.floor(element.clientWidth)
    if (width === 0 || width === drawnFor) return
    drawnFor = width
    const drawn = width >= WIDE_MIN ? drawWide(width) : drawNarrow(width)
    boxes = drawn.boxes
    arrows = drawn.arrows
    picture = drawn.picture
    element.replaceChildren(drawn.picture)
    if (last !== undefined) show(last)
  }
  const show = (flow: Flow) => {
    last = flow
    if (picture === undefined) return
    setAttribute(picture, 'aria-label', describeFlow(flow))
    for (const [i, figures] of figuresOf(flow).entries())
      showBox(boxes[i]!, figures, flow.levels[figures.name])
    for (const [i, arrow] of arrows.entries()) arrow.classList.toggle('moving', movesAt(flow, i))
  }
  const watching = new ResizeObserver(draw)
  watching.observe(element)
  draw()
  return { element, show, close: () => watching.disconnect() }
}

/** Up to the lander events move as they come; behind it while some wait to land. */
function movesAt({ door, lander }: Flow, arrow: number): boolean {
  return arrow < 2 ? (door.rate ?? 0) > 0 : lander.pending > 0
}

function showBox(box: Box, figures: StageFigures, level: Flow['levels'][StageName]): void {
  setAttribute(box.root, 'class', `stage ${level}`)
  setText(box.title, figures.title)
  setText(box.state, figures.state)
  setText(box.main, figures.main)
  setText(box.unit, figures.unit)
  for (const [i, line] of box.lines.entries()) setText(line, figures.lines[i]!)
}

function drawWide(width: number) {
  const { gap, height, pad } = WIDE
  const each = (width - gap * (STAGES - 1) - 2) / STAGES
  const boxes = Array.from({ length: STAGES }, (_, i) => {
    const left = 1 + i * (each + gap)
    const x = left + pad
    const texts = {
      title: s('text', { class: 'title', x, y: 27 }),
      state: s('text', { class: 'state', x: left + each - pad, y: 27, 'text-anchor': 'end' }),
      main: s('text', { class: 'main', x, y: 66 }),
      unit: s('text', { class: 'unit', x, y: 86 }),
      lines: [s('text', { class: 'line', x, y: 111 }), s('text', { class: 'line', x, y: 130 })],
    }
    return boxOf(texts, { x: left, y: 1, width: each, height: height - 2 })
  })
  const arrows = Array.from({ length: STAGES - 1 }, (_, i) => {
    const from = 1 + (i + 1) * each + i * gap
    return arrowOf(from + 7, height / 2, from + gap - 7, height / 2)
  })
  return pictureOf(width, height, boxes, arrows)
}

function drawNarrow(width: number) {
  const { gap, height, pad } = NARROW
  const right = width - 1 - pad
  const boxes = Array.from({ length: STAGES }, (_, i) => {
    const top = 1 + i * (height + gap)
    const x = 1 + pad
    const texts = {
      title: s('text', { class: 'title', x, y: top + 25 }),
      state: s('text', { class: 'state', x: x + 66, y: top + 25 }),
      main: s('text', { class: 'main', x: right, y: top + 30, 'text-anchor': 'end' }),
      unit: s('text', { class: 'unit', x: right, y: top + 49, 'text-anchor': 'end' }),
      lines: [s('text', { class: 'line', x, y: top + 49 }), s('text', { class: 'line', x, y: top + 68 })],
    }
    return boxOf(texts, { x: 1, y: top, width: width - 2, height: height - 2 })
  })
  const arrows = Array.from({ length: STAGES - 1 }, (_, i) => {
    const from = (i + 1) * height + i * gap
    return arrowOf(width / 2, from + 4, width / 2, from + gap - 3)
  })
  return pictureOf(width, STAGES * height + (STAGES - 1) * gap + 2, boxes, arrows)
}

function boxOf(
  texts: Omit<Box, 'root'>,
  frame: { x: number; y: number; width: number; height: number },
): Box {
  const { title, state, main, unit, lines } = texts
  const root = s(
    'g',
    { class: 'stage unknown' },
    s('rect', { ...frame, rx: 8 }),
    title,
    state,
    main,
    unit,
    lines,
  )
  return { root, ...texts }
}

/** A line with a head, and a shorter one over it that moves while events do. */
function arrowOf(x1: number, y1: number, x2: number, y2: number): SVGGElement {
  const head =
    y1 === y2
      ? `M${x2 - 6} ${y2 - 5}L${x2} ${y2}L${x2 - 6} ${y2 + 5}`
      : `M${x2 - 5} ${y2 - 6}L${x2} ${y2}L${x2 + 5} ${y2 - 6}`
  return s(
    'g',
    { class: 'arrow' },
    s('line', { x1, y1, x2, y2 }),
    s('line', { class: 'pulse', x1, y1, x2, y2 }),
    s('path', { d: head }),
  )
}

function pictureOf(width: number, height: number, boxes: Box[], arrows: SVGGElement[]) {
  const picture = s(
    'svg',
    {
      class: 'flow-picture',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-label': 'The flow',
    },
    boxes.map(({ root }) => root),
    arrows,
  )
  return { picture, boxes, arrows }
}
