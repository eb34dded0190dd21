/** Mistakes in lake, catalog, storage and in the way files are written. */
import type { Bug } from '../bug.ts'

const files = 'src/base/files.ts'
const state = 'src/lake/table-state.ts'
const sweep = 'src/lake/sweep.ts'
const maintenance = 'src/lake/maintenance.ts'
const snapshot = 'src/lake/snapshot.ts'
const catalog = 'src/catalog/drivers/file.ts'
const lakeTest = 'test/lake/lake.test.ts'
const upkeep = 'test/lake/maintenance.test.ts'

export const LAKE_BUGS: Bug[] = [
  {
    name: 'no-sync-of-a-file',
    harm: 'after a power cut a file has its name and not its bytes',
    file: files,
    edits: [
      {
        find: 'await handle.writeFile(bytes)\n    await handle.sync()',
        replace: 'await handle.writeFile(bytes)',
      },
    ],
    check: { file: 'test/storage/durability.test.ts', test: 'a file that is replaced' },
  },
  {
    name: 'no-sync-of-a-directory-replacing',
    harm: 'after a power cut the plan of a batch is the one before',
    file: files,
    edits: [
      {
        find: 'await rename(temporary, path)\n  await syncDirectory(dirname(path))',
        replace: 'await rename(temporary, path)',
      },
    ],
    check: { file: 'test/storage/durability.test.ts', test: 'a file that is replaced' },
  },
  {
    name: 'no-sync-of-a-directory-creating',
    harm: 'after a power cut a commit that was answered is gone',
    file: files,
    edits: [{ find: 'await syncDirectory(dirname(path))\n  return true', replace: 'return true' }],
    check: { file: 'test/storage/durability.test.ts', test: 'a file that is created' },
  },
  {
    name: 'data-file-not-synced',
    harm: 'after a power cut a snapshot names a file without bytes',
    file: 'src/storage/drivers/local.ts',
    edits: [{ find: 'await syncPresent(localPath, missing)', replace: '' }],
    check: { file: 'test/storage/durability.test.ts', test: 'a data file that is taken' },
  },
  {
    name: 'doubtful-commit-taken-as-it-is',
    harm: 'a power cut takes a commit that the batch was built on',
    file: catalog,
    edits: [{ find: 'this.#doubtful.add(name)', replace: '' }],
    check: { file: 'test/catalog/file.test.ts', test: 'what a commit of unknown outcome left' },
  },
  {
    name: 'commit-overwrites',
    harm: 'of two writers at once one loses its rows',
    file: files,
    edits: [{ find: 'await link(temporary, path)', replace: 'await rename(temporary, path)' }],
    check: { file: 'test/lake/processes.test.ts', test: 'three writers and a maintainer at once' },
  },
  {
    name: 'conflict-taken-for-success',
    harm: 'of two writers at once one loses its rows',
    file: catalog,
    edits: [
      { find: 'if (!created) throw conflict(name,', replace: 'if (created === 0) throw conflict(name,' },
    ],
    check: { file: 'test/lake/processes.test.ts', test: 'three writers and a maintainer at once' },
  },
  {
    name: 'commit-into-the-past',
    harm: 'a writer that slept long commits where nobody looks',
    file: catalog,
    edits: [{ find: 'created &&\n        number > 1 &&', replace: 'created &&\n        number < 0 &&' }],
    check: { file: 'test/catalog/file.test.ts', test: 'a writer suspended for more versions than are kept' },
  },
  {
    name: 'epoch-not-checked',
    harm: 'two landers land the same records',
    file: state,
    edits: [{ find: 'if (state.epoch !== expect.epoch) {', replace: 'if (state.epoch < expect.epoch) {' }],
    check: { file: lakeTest, test: 'a raised epoch fences the predecessor' },
  },
  {
    name: 'position-not-checked',
    harm: 'a batch lands where it has landed already',
    file: state,
    edits: [{ find: 'if (expected !== found) {', replace: 'if (expected === 0) {' }],
    check: { file: lakeTest, test: 'a table that stands elsewhere refuses' },
  },
  {
    name: 'position-of-the-compaction-plan',
    harm: 'compaction sets a table back, and rows land again',
    file: maintenance,
    edits: [
      {
        find: 'const outputs = await this.#merge(connection, state, inputs)',
        replace:
          'const outputs = await this.#merge(connection, state, inputs)\n    Object.assign(inputs, { planned: state })',
      },
      { find: 'summary: ourSummary(base),', replace: 'summary: ourSummary(inputs.planned),' },
    ],
    check: { file: upkeep, test: 'rows that land meanwhile stay' },
  },
  {
    name: 'compaction-drops-what-landed-meanwhile',
    harm: 'rows vanish',
    file: snapshot,
    edits: [
      {
        find: 'if (!live.some((entry) => remove.has(entry.file.url))) {\n        kept.push(manifest)',
        replace: 'if (!live.some((entry) => remove.has(entry.file.url))) {',
      },
    ],
    check: { file: upkeep, test: 'rows that land meanwhile stay' },
  },
  {
    name: 'compaction-of-a-file-that-is-gone',
    harm: 'rows of a file that was replaced come back beside their copies',
    file: snapshot,
    edits: [{ find: 'if (removed.length !== change.remove.size) {', replace: 'if (removed.length < 0) {' }],
    check: { file: upkeep, test: 'it gives up when an input is not live any more' },
  },
  {
    name: 'live-file-swept',
    harm: 'files of a snapshot that somebody reads are deleted',
    file: sweep,
    edits: [
      {
        find: 'for (const snapshot of metadata.snapshots) {',
        replace: 'for (const snapshot of metadata.snapshots.slice(-1)) {',
      },
    ],
    check: { file: upkeep, test: 'a snapshot that a tag names stays, with its files' },
  },
  {
    name: 'sweep-without-grace',
    harm: 'a file is deleted while a query reads it',
    file: sweep,
    edits: [{ find: 'nowMs - since >= round.graceMs', replace: 'nowMs - since >= 0' }],
    check: { file: upkeep, test: 'replaced files are unlinked 15 minutes after' },
  },
  {
    name: 'sweep-without-fence',
    harm: 'a writer that slept names a file that is gone',
    file: sweep,
    edits: [
      { find: 'this.#referenced(await round.fence())', replace: 'this.#referenced(await round.load())' },
    ],
    check: { file: upkeep, test: 'nor when it slept right before its commit point' },
  },
  {
    name: 'uncommitted-file-swept',
    harm: 'a batch under way loses its files',
    file: maintenance,
    edits: [{ find: 'writer.isPending(path) ||', replace: '' }],
    check: { file: upkeep, test: 'a file that this process has written and not yet committed is no orphan' },
  },
  {
    name: 'old-file-committed',
    harm: 'a snapshot names a file that maintenance is about to delete',
    file: 'src/lake/table-writer.ts',
    edits: [
      { find: '?? found.modifiedAt) >= oldest) continue', replace: '?? found.modifiedAt) >= 0) continue' },
    ],
    check: { file: lakeTest, test: 'a data file that is nearly as old as an orphan' },
  },
]
