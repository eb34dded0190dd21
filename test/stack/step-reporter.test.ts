import { expect, test } from 'vitest'
import { openStepReporter } from '../../src/cli/stack/step-reporter.ts'

function streamOf(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let text = ''
  const stream = { isTTY, columns: 100, write: (part: string) => ((text += part), true) }
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text }
}

const fetching = { what: 'fetching trino.tar.gz', elapsedMs: 4000, bytes: 430e6, bytesTotal: 860e6 }

test('on a terminal a download is a bar in one line, and what is done stays', () => {
  const { stream, text } = streamOf(true)
  const reporter = openStepReporter(stream)
  reporter.step(fetching)
  expect(text()).toBe('\r\u001b[Kfetching trino.tar.gz ████████████░░░░░░░░░░░░ 430/860 MB 4.0 s')
  reporter.begin('starting trino')
  reporter.end('trino is up', 14_200)
  expect(text().split('\r\u001b[K').at(-1)).toBe('trino is up (14 s)\n')
})

test('in a pipe there are plain lines: now and then for a long step, none for a short one', () => {
  const { stream, text } = streamOf(false)
  const reporter = openStepReporter(stream)
  for (let elapsedMs = 0; elapsedMs <= 13_000; elapsedMs += 500) reporter.step({ ...fetching, elapsedMs })
  reporter.step({ what: 'compiling', elapsedMs: 1500 })
  reporter.note('kafka: port 9092 is taken, so it is 20123')
  reporter.begin('starting kafka')
  reporter.end('kafka is up', 3100)
  expect(text().trim().split('\n')).toEqual([
    'fetching trino.tar.gz 430/860 MB 2.0 s',
    'fetching trino.tar.gz 430/860 MB 12 s',
    'kafka: port 9092 is taken, so it is 20123',
    'kafka is up (3.1 s)',
  ])
})
