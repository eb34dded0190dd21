/** How far a long work is: a bar on a terminal, a plain line now and then in a pipe. On stderr, so that stdout is the result's. */
export interface Progress {
  update(done: number): void
  /** Ends the bar; without it the terminal's cursor stays in the line. */
  end(): void
}

const BAR_WIDTH = 30
const REDRAW_MS = 60
const PLAIN_LINES = 4

export function openProgress(
  title: string,
  total: number,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  const startedAt = performance.now()
  return stream.isTTY ? barOn(stream, title, total, startedAt) : linesOn(stream, title, total)
}

function barOn(stream: NodeJS.WriteStream, title: string, total: number, startedAt: number): Progress {
  let drawnAt = Number.NEGATIVE_INFINITY
  let done = 0
  const draw = () => {
    const share = total === 0 ? 1 : Math.min(1, done / total)
    const full = Math.round(share * BAR_WIDTH)
    const perSecond = done / Math.max(0.001, (performance.now() - startedAt) / 1000)
    const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full)
    const text = `${title} ${bar} ${done}/${total}  ${perSecond.toFixed(0)}/s`
    stream.write(`\r\u001b[K${text.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`)
  }
  return {
    update(now) {
      done = now
      if (performance.now() - drawnAt < REDRAW_MS && done < total) return
      drawnAt = performance.now()
      draw()
    },
    end() {
      draw()
      stream.write('\n')
    },
  }
}

function linesOn(stream: NodeJS.WriteStream, title: string, total: number): Progress {
  const step = Math.max(1, Math.ceil(total / PLAIN_LINES))
  let said = 0
  return {
    update(done) {
      if (done < said + step && done < total) return
      if (done === said) return
      said = done
      stream.write(`${title} ${done}/${total}\n`)
    },
    end() {},
  }
}
