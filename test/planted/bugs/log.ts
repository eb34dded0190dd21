/** Mistakes in the log. */
import type { Bug } from '../bug.ts'

const writer = 'src/log/drivers/embedded/writer.ts'
const recovery = 'src/log/drivers/embedded/recovery.ts'
const faults = 'test/log/faults.test.ts'
const tornTail = 'test/log/torn-tail.test.ts'
const powerCut = 'test/log/power-cut.test.ts'

export const LOG_BUGS: Bug[] = [
  {
    name: 'answer-before-sync',
    harm: 'an answered event is gone after a power cut',
    file: writer,
    edits: [{ find: 'files.datasync(this.#segment.fd, (error) => {', replace: 'setImmediate((error) => {' }],
    check: { file: powerCut, test: '' },
  },
  {
    name: 'failed-sync-answered',
    harm: 'a disk that answers EIO to a sync loses what was answered',
    file: writer,
    edits: [
      {
        find: 'if (error) void this.#takeOver(frame, error)',
        replace: 'if (error === 1) void this.#takeOver(frame, error)',
      },
    ],
    check: { file: faults, test: 'nothing is answered from that segment' },
  },
  {
    name: 'published-before-sync',
    harm: 'a table lands what a power cut takes from the log',
    file: writer,
    edits: [
      {
        find: 'files.datasync(this.#segment.fd, (error) => {',
        replace: `const { epoch, segment, position, next } = this.durable
    this.#parts.durableFile.publish({ epoch, segment, position: position + bytes.length, next: next + frame.builder.count })
    files.datasync(this.#segment.fd, (error) => {`,
      },
    ],
    check: { file: faults, test: 'readers see nothing of a frame that is written but not yet synced' },
  },
  {
    name: 'reader-beyond-durable',
    harm: 'a table lands what a power cut takes from the log',
    file: 'src/log/drivers/embedded/embedded-reader.ts',
    edits: [
      { find: 'const limit = Math.min(durable.next, stop,', replace: 'const limit = Math.min(stop,' },
      { find: '? durable.position : undefined', replace: '? undefined : undefined' },
    ],
    check: { file: faults, test: 'readers see nothing of a frame that is written but not yet synced' },
  },
  {
    name: 'no-sync-of-the-log-directory',
    harm: 'a power cut takes a whole segment with its name',
    file: 'src/log/drivers/embedded/segment.ts',
    edits: [{ find: 'await this.#files.syncDirectory(this.#directory)', replace: '' }],
    check: { file: powerCut, test: '' },
  },
  {
    name: 'no-crc-at-recovery',
    harm: 'a torn frame is taken for a whole one',
    file: 'src/log/drivers/embedded/frame-scanner.ts',
    edits: [
      {
        find: 'if (!isIntact(this.#window, this.position - this.#windowAt, header.length)) return undefined',
        replace: '',
      },
    ],
    check: { file: tornTail, test: 'at every byte of the last three frames' },
  },
  {
    name: 'no-crc-at-reading',
    harm: 'damaged events are served',
    file: 'src/log/drivers/embedded/segment-reader.ts',
    edits: [{ find: 'if (!isIntact(bytes, at, header.length)) break', replace: '' }],
    check: { file: tornTail, test: 'damage in a sealed segment is reported' },
  },
  {
    name: 'torn-tail-not-cut',
    harm: 'after a crash the log does not open, or serves what was never answered',
    file: recovery,
    edits: [{ find: 'if (beyond !== undefined) throw', replace: 'if (tail !== undefined) throw' }],
    check: { file: tornTail, test: 'at every byte of the last three frames' },
  },
  {
    name: 'tail-not-made-durable',
    harm: 'what the lander saw after a kill is gone after a power cut',
    file: recovery,
    edits: [
      {
        find: 'writeAll(files, fd, await readExactly(handle, at, Math.min(step, to - at)), at)',
        replace: '',
      },
    ],
    check: { file: powerCut, test: 'a frame that a killed writer left in the page cache only' },
  },
  {
    name: 'damage-taken-for-a-torn-tail',
    harm: 'answered events are cut off without a word',
    file: recovery,
    edits: [{ find: 'if (beyond !== undefined) throw', replace: 'if (beyond === null) throw' }],
    check: { file: tornTail, test: 'at every byte of the last three frames' },
  },
  {
    name: 'offsets-given-out-twice',
    harm: 'new events look landed and are in no table',
    file: recovery,
    edits: [{ find: 'if (known.next <= next) return', replace: 'if (known.next >= 0) return' }],
    check: { file: tornTail, test: 'a log that ends below what a table knows is refused' },
  },
  {
    name: 'end-in-one-slot-only',
    harm: 'a bit that turns in a file at rest hides events from followers',
    file: writer,
    edits: [{ find: 'if (isWell) this.#publish()', replace: '' }],
    check: { file: 'test/log/durable.test.ts', test: 'a closed log says its end in both slots' },
  },
  {
    name: 'no-room-for-one-only',
    harm: 'an event is answered that was made from one that was refused',
    file: writer,
    edits: [{ find: '[frame, ...this.#queue.takeAll()], error', replace: '[frame], error' }],
    check: { file: faults, test: 'takes with it what is queued behind' },
  },
  {
    name: 'retention-beyond-the-position',
    harm: 'events are deleted before they have landed',
    file: 'src/log/drivers/embedded/retention.ts',
    edits: [{ find: '&& bases[i + 1]! <= order.before', replace: '' }],
    check: { file: 'test/log/retention.test.ts', test: 'lets go by age what has landed, never what has not' },
  },
]
