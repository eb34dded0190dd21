/** How far engines are: one line that is written over on a terminal, plain lines in a pipe. On stderr, so that stdout is the result's. */
import type { Step } from '../../stack/cache.ts'
import type { StackReporter } from '../../stack/stack.ts'
import { barStyle } from '../style.ts'

const BAR_WIDTH = 24
const REDRAW_MS = 200
const PLAIN_EVERY_MS = 10_000
const LONG_MS = 2_000

export interface StepReporter extends StackReporter {
  step(step: Step): void
}

export function openStepReporter(stream: NodeJS.WriteStream = process.stderr): StepReporter {
  return stream.isTTY && process.env.TERM !== 'dumb' ? onTerminal(stream) : inPipe(stream)
}

function onTerminal(stream: NodeJS.WriteStream): StepReporter {
  let ticks: NodeJS.Timeout | undefined
  const draw = (text: string) => stream.write(`\r\u001b[K${text.slice(0, (stream.columns || 80) - 1)}`)
  const clear = () => {
    clearInterval(ticks)
    stream.write('\r\u001b[K')
  }
  return {
    step: (step) => draw(describeStep(step, bar(step))),
    note(text) {
      clear()
      stream.write(`${text}\n`)
    },
    begin(what) {
      clear()
      const startedAt = performance.now()
      const redraw = () => draw(`${what} ${seconds(performance.now() - startedAt)}`)
      redraw()
      ticks = setInterval(redraw, REDRAW_MS).unref()
    },
    end(what, elapsedMs) {
      clear()
      stream.write(`${what} (${seconds(elapsedMs)})\n`)
    },
  }
}

function inPipe(stream: NodeJS.WriteStream): StepReporter {
  let current = ''
  let saidMs = 0
  return {
    step(step) {
      if (step.what !== current) [current, saidMs] = [step.what, LONG_MS - PLAIN_EVERY_MS]
      if (step.elapsedMs < saidMs + PLAIN_EVERY_MS) return
      saidMs = step.elapsedMs
      stream.write(`${describeStep(step, '')}\n`)
    },
    note: (text) => stream.write(`${text}\n`),
    begin() {},
    end: (what, elapsedMs) => stream.write(`${what} (${seconds(elapsedMs)})\n`),
  }
}

function describeStep({ what, elapsedMs, bytes, bytesTotal }: Step, drawn: string): string {
  const mb = (count: number) => (count / 1e6).toFixed(0)
  const size = bytes ? `${mb(bytes)}${bytesTotal ? `/${mb(bytesTotal)}` : ''} MB` : ''
  return [what, drawn, size, seconds(elapsedMs)].filter((part) => part !== '').join(' ')
}

function bar({ bytes, bytesTotal }: Step): string {
  if (!bytes || !bytesTotal) return ''
  const full = Math.round(Math.min(1, bytes / bytesTotal) * BAR_WIDTH)
  const { filled, empty } = barStyle()
  return filled.repeat(full) + empty.repeat(BAR_WIDTH - full)
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
