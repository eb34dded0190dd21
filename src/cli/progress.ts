/**
 * How far a long work is: a bar on a terminal, a plain line now and then in a pipe. On stderr, so that stdout is the result's. Without a
 * total there is no bar, but what is done and how fast.
 */
import { barStyle, styleOf } from './style.ts'
import { width } from './table.ts'

export interface Progress {
  /** `note` is only asked for when it is shown. */
  update(done: number, note?: () => string): void
  /** Ends the bar; without it the terminal's cursor stays in the line. A second call does nothing. */
  end(): void
}

export interface ProgressOptions {
  /** What is counted: `s` is shown as a time, `bytes` as sizes, anything else as a number with this word. */
  of?: 's' | 'bytes' | (string & {})
  stream?: NodeJS.WriteStream
}

const BAR_WIDTH = 30
const BAR_WIDTH_MIN = 8
const REDRAW_MS = 60
const PLAIN_LINES = 4
/** In a pipe, without a total: a line so often. */
const PLAIN_MS = 5000

export function openProgress(
  title: string,
  total: number | undefined,
  options: ProgressOptions = {},
): Progress {
  const { stream = process.stderr, of = '' } = options
  const show = amountOf(of)
  return stream.isTTY && process.env.TERM !== 'dumb'
    ? barOn(stream, title, total, show)
    : linesOn(stream, title, total, show)
}

interface Amount {
  text: (done: number) => string
  /** What is counted, behind the numbers. */
  word: string
  /** Whether a rate says something. */
  rated: boolean
}

function amountOf(of: string): Amount {
  if (of === 's') return { text: (done) => `${Math.floor(done)}s`, word: '', rated: false }
  if (of === 'bytes') return { text: sizeText, word: '', rated: true }
  return { text: (done) => String(Math.floor(done)), word: of === '' ? '' : ` ${of}`, rated: true }
}

/** `1.5 MiB` */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit += 1
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`
}

function barOn(stream: NodeJS.WriteStream, title: string, total: number | undefined, show: Amount): Progress {
  const startedAt = performance.now()
  const style = styleOf(stream)
  let drawnAt = Number.NEGATIVE_INFINITY
  let done = 0
  let note: (() => string) | undefined
  let ended = false
  const draw = () => {
    const columns = (stream.columns || 80) - 1
    const perSecond = done / Math.max(0.001, (performance.now() - startedAt) / 1000)
    const counts = `${show.text(done)}${total === undefined ? '' : `/${show.text(total)}`}`
    const rate = show.rated ? `  ${show.text(perSecond)}/s` : ''
    // What there is no room for is left out, least important first: the note, the rate, the word, the bar.
    const pieces = fitted(columns, title, counts, [show.word, rate, note === undefined ? '' : `  ${note()}`])
    const room = Math.min(BAR_WIDTH, columns - width(pieces) - 1)
    const bar = total === undefined || room < BAR_WIDTH_MIN ? '' : ` ${barText(done, total, room, style)}`
    stream.write(`\r\u001b[K${pieces.slice(0, title.length)}${bar}${pieces.slice(title.length)}`)
  }
  return {
    update(now, text) {
      done = now
      note = text
      if (performance.now() - drawnAt < REDRAW_MS) return
      drawnAt = performance.now()
      draw()
    },
    end() {
      if (ended) return
      ended = true
      if (drawnAt === Number.NEGATIVE_INFINITY) return
      draw()
      stream.write('\n')
    },
  }
}

/** The title first, as much as fits. */
function fitted(columns: number, title: string, counts: string, more: readonly string[]): string {
  let text = `${title} ${counts}`
  for (const piece of more) if (width(text) + width(piece) <= columns) text += piece
  return text.slice(0, Math.max(1, columns))
}

function barText(done: number, total: number, size: number, style: ReturnType<typeof styleOf>): string {
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const full = Math.round(share * size)
  const { filled, empty } = barStyle()
  return style.green(filled.repeat(full)) + style.dim(empty.repeat(size - full))
}

function linesOn(
  stream: NodeJS.WriteStream,
  title: string,
  total: number | undefined,
  show: Amount,
): Progress {
  const step = total === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(total / PLAIN_LINES))
  let said = 0
  let saidAt = performance.now()
  let saidText = ''
  let done = 0
  const say = () => {
    const text = `${title} ${show.text(done)}${total === undefined ? '' : `/${show.text(total)}`}${show.word}\n`
    if (text === saidText) return
    said = done
    saidAt = performance.now()
    saidText = text
    stream.write(text)
  }
  return {
    update(now) {
      done = now
      if (done === said) return
      if (total === undefined ? performance.now() - saidAt >= PLAIN_MS : done >= said + step || done >= total)
        say()
    },
    end() {
      if (total === undefined && done !== said) say()
    },
  }
}
