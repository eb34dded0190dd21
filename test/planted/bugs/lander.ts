/** Mistakes in the lander. */
import type { Bug } from '../bug.ts'

const session = 'src/lander/session.ts'
const landing = 'src/lander/landing.ts'
const tables = 'src/lander/tables.ts'
const duplicates = 'src/lander/duplicates/duplicates.ts'
const crash = 'test/lander/crash.test.ts'
const repeats = 'test/lander/duplicates.test.ts'

export const LANDER_BUGS: Bug[] = [
  {
    name: 'plan-not-durable',
    harm: 'a batch that was begun is cut and judged anew',
    file: session,
    edits: [{ find: 'await savePlan(directory, plan)', replace: '' }],
    check: { file: crash, test: 'killed right after the plan' },
  },
  {
    name: 'events-committed-first',
    harm: 'a kill between two commits loses rows of all other tables',
    file: landing,
    edits: [
      {
        find: 'const others = [...filesOf.keys()]',
        replace: `if (filesOf.has(EVENTS_TABLE.name)) await commit(EVENTS_TABLE.name)
  filesOf.delete(EVENTS_TABLE.name)
  const others = [...filesOf.keys()]`,
      },
    ],
    check: { file: crash, test: 'killed before the commit of purchases' },
  },
  {
    name: 'committed-twice',
    harm: 'a kill between two commits doubles rows',
    file: landing,
    edits: [{ find: 'if (isAt(states.get(name)!, plan)) continue', replace: '' }],
    check: { file: crash, test: 'killed before the commit of purchases' },
  },
  {
    name: 'lost-answer-repeated',
    harm: 'a commit whose answer is lost stops the lander or doubles rows',
    file: landing,
    edits: [
      {
        find: 'if (state !== undefined && state.epoch === epoch && isAt(state, plan)) return state',
        replace: '',
      },
    ],
    check: { file: crash, test: 'a lost answer to a commit is looked up' },
  },
  {
    name: 'rows-of-a-redo-not-counted',
    harm: 'a redo that lands other rows than planned goes unseen',
    file: landing,
    edits: [{ find: 'if (found !== rows) throw', replace: 'if (found < 0) throw' }],
    check: { file: crash, test: 'a redo that would land other rows than planned stops' },
  },
  {
    name: 'counters-begin-anew',
    harm: 'the ledger does not close',
    file: landing,
    edits: [{ find: 'addCounts(state.counters ?? {}, plan.counts)', replace: 'addCounts({}, plan.counts)' }],
    check: { file: 'test/lander/lander.test.ts', test: 'the counters of events close over all batches' },
  },
  {
    name: 'redo-by-the-new-definition',
    harm: 'half of a batch is judged by other rules than the rest',
    file: 'src/lander/take-over.ts',
    edits: [
      {
        find: 'hash === pipeline.hash ? pipeline : loadDefinition(plans, hash)',
        replace: 'hash && pipeline',
      },
    ],
    check: { file: crash, test: 'what was begun is judged by the definition that began it' },
  },
  {
    name: 'plan-of-another-time',
    harm: 'a lander that comes back executes a plan that others have passed, and stops at each start',
    file: 'src/lander/take-over.ts',
    edits: [{ find: ' || plan.epoch !== epoch) return undefined', replace: ') return undefined' }],
    check: { file: 'test/lander/come-back.test.ts', test: 'the other one gave the tables a column' },
  },
  {
    name: 'redo-beyond-its-plan',
    harm: 'a redo lands records that the next batch lands again',
    file: session,
    edits: [
      {
        find: 'this.intake.take(batch, cursor, { to: end })',
        replace: 'this.intake.take(batch, cursor, {})',
      },
    ],
    check: { file: crash, test: 'killed right after the plan' },
  },
  {
    name: 'epoch-not-raised',
    harm: 'two landers land the same records',
    file: tables,
    edits: [
      {
        find: '...states.map((state) => state.epoch)) + 1',
        replace: '...states.map((state) => state.epoch))',
      },
    ],
    check: { file: crash, test: 'taking over fences the predecessor' },
  },
  {
    name: 'gap-not-seen',
    harm: 'events that the log has let go of are missing silently',
    file: tables,
    edits: [{ find: 'if (first > next) throw gap', replace: 'if (first < 0) throw gap' }],
    check: { file: crash, test: 'a log with a gap, stop the lander' },
  },
  {
    name: 'new-table-from-the-beginning',
    harm: 'a new table claims rows that it does not have',
    file: tables,
    edits: [
      { find: 'lake.ensure(definition, { position, epoch })', replace: 'lake.ensure(definition, { epoch })' },
    ],
    check: { file: 'test/lander/lander.test.ts', test: 'a new table begins where events stands' },
  },
  {
    name: 'table-ahead-landed-again',
    harm: 'rows of a table that a stream has brought further are doubled',
    file: tables,
    edits: [{ find: '? position\n    : undefined', replace: '? undefined\n    : undefined' }],
    check: { file: crash, test: 'a table that a stream has brought beyond events' },
  },
  {
    name: 'ids-not-remembered-after-a-start',
    harm: 'a retry after a restart lands twice',
    file: duplicates,
    edits: [{ find: 'store.table.add(partition, offset)', replace: '' }],
    check: { file: repeats, test: 'in one batch, across batches and across a restart' },
  },
  {
    name: 'window-off-by-one',
    harm: 'a retry at the end of the window lands twice',
    file: duplicates,
    edits: [{ find: 'if (record.receivedAt >= self', replace: 'if (record.receivedAt > self' }],
    check: { file: repeats, test: 'the window is measured by received_at, to the microsecond' },
  },
  {
    name: 'dead-repeat-dead-again',
    harm: 'a repeated dead letter is counted twice',
    file: session,
    edits: [
      {
        find: "if (scratch.kindOf(row).fate === 'duplicate') faults.delete(row)",
        replace: '',
      },
    ],
    check: {
      file: 'test/lander/model.test.ts',
      test: 'whatever is sent, tables and dead letters are those of the model',
    },
  },
  {
    name: 'chunk-published-before-it-is-there',
    harm: 'an answer misses events and says that it has them',
    file: 'src/lander/spool-writer.ts',
    edits: [
      { find: 'this.#open.push(chunk)', replace: '' },
      {
        find: '...endsOf(chunk) } }\n    await this.#publish()',
        replace: '...endsOf(chunk) } }\n    await this.#publish()\n    this.#open.push(chunk)',
      },
    ],
    check: {
      file: 'test/lander/lander.test.ts',
      test: 'a query that asks gets the durable end into the spool',
    },
  },
]
