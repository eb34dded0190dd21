/** Mistakes at the doors: where events come in, and where questions are answered. */
import type { Bug } from '../bug.ts'

const memory = 'src/collector/memory.ts'
const idempotency = 'test/collector/idempotency.test.ts'
const state = 'test/collector/state.test.ts'

export const DOOR_BUGS: Bug[] = [
  {
    name: 'key-ignored-after-a-restart',
    harm: 'a retry after a restart runs its handler again',
    file: memory,
    edits: [{ find: 'for (const answer of remembered.answers) this.answers.put(answer)', replace: '' }],
    check: { file: idempotency, test: 'answers survive a restart' },
  },
  {
    name: 'ids-not-from-the-key',
    harm: 'a retried request lands twice',
    file: 'src/collector/idempotency.ts',
    edits: [
      {
        find: 'return uuidv5(`${key}/${index}`)',
        replace: 'return uuidv5(`${key}/${index}/${Math.random()}`)',
      },
    ],
    check: { file: 'test/collector/events-door.test.ts', test: 'with an Idempotency-Key the same again' },
  },
  {
    name: 'half-of-a-bad-batch-taken',
    harm: 'a request that was refused is in the log in part',
    file: 'src/collector/events-door.ts',
    edits: [
      {
        find: 'if (!this.#scanner.scan(bytes, length, framing)) {',
        replace: 'if (!this.#scanner.scan(bytes, length, framing) && this.#scanner.count === 0) {',
      },
    ],
    check: {
      file: 'test/collector/events-door.test.ts',
      test: 'what is not a body of events is refused whole',
    },
  },
  {
    name: 'state-older-than-its-position',
    harm: 'the state of a guild misses events after a restart',
    file: memory,
    edits: [
      {
        find: 'next: { ...this.#position.next } }\n    const remembered',
        replace:
          'next: { ...this.#position.next, 0: nextOffset(this.#position, 0) + 1 } }\n    const remembered',
      },
    ],
    check: { file: state, test: '' },
  },
  {
    name: 'state-ahead-of-the-log',
    harm: 'the state holds events that the log has lost',
    file: memory,
    edits: [{ find: 'if (next > nextOffset(end, Number(partition)))', replace: 'if (next < 0)' }],
    check: { file: state, test: '' },
  },
  {
    name: 'refused-append-kept-in-the-state',
    harm: 'a handler counts what was never stored',
    file: 'src/collector/appender.ts',
    edits: [{ find: 'if (pending !== undefined) this.#memory.states!.failed(pending, error)', replace: '' }],
    check: { file: state, test: 'a failed append drops what was not acknowledged' },
  },
  {
    name: 'state-position-of-what-was-read',
    harm: 'the log is trimmed beyond the state file: after a kill the door does not open',
    file: memory,
    edits: [
      { find: 'this.#position = { logId, next: { ...next } }', replace: 'this.#position = { logId, next }' },
    ],
    check: { file: state, test: 'after a restart the position is that of the file' },
  },
  {
    name: 'log-trimmed-beyond-the-state',
    harm: 'after a restart the door does not open: its state cannot be made again',
    file: 'src/pipeline/door.ts',
    edits: [{ find: 'state === null ? landed : earlier(landed, state)', replace: 'landed' }],
    check: { file: 'test/pipeline/door.test.ts', test: 'the log is not trimmed beyond' },
  },
  {
    name: 'tables-not-asked-for-the-known-end',
    harm: 'a log restored from an old copy gives offsets out again',
    file: 'src/pipeline/door.ts',
    edits: [{ find: '...(end === undefined ? {} : { knownEnd: end })', replace: '...(end && {})' }],
    check: { file: 'test/pipeline/door.test.ts', test: 'a log that tables know more of' },
  },
  {
    name: 'events-pinned-last',
    harm: 'an answer misses rows of a batch that is committed meanwhile',
    file: 'src/sql/drivers/duckdb/pin.ts',
    edits: [
      {
        find: 'const events = await lake.load(EVENTS_TABLE.name)',
        replace: `const others = await Promise.all(wanted.map(({ table }) => lake.load(table)))
    const events = await lake.load(EVENTS_TABLE.name)`,
      },
      {
        find: `wanted.map(({ table }) =>
        table === EVENTS_TABLE.name
          ? events
          : (all.find((state) => state.name === table) ?? lake.load(table)),`,
        replace: 'wanted.map(({ table }, i) => table === EVENTS_TABLE.name ? events : others[i],',
      },
    ],
    check: { file: 'test/sql/pin.test.ts', test: '' },
  },
]
