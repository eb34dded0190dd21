// `npm test`: installs what is missing, then runs every check and every test, and says what was skipped and why.
// `npm test -- --long` runs the long tests as well. Other arguments are passed to vitest: `npm test -- test/log`.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findPinnedNode, isNodeFine, tooOldMessage } from '../bin/node24.js'
import { installWhatIsMissing, root } from './bootstrap.js'

installWhatIsMissing()
const node = findPinnedNode(root) ?? (isNodeFine() ? process.execPath : undefined)
if (node === undefined) {
  process.stderr.write(`${tooOldMessage()}\n`)
  process.exit(1)
}
const modules = join(root, 'node_modules')
const isLong = process.argv.includes('--long')
const filters = process.argv.slice(2).filter((argument) => argument !== '--long')

/** Runs a program in the foreground with the project's tools first in its PATH; resolves to its exit code. */
function run(command, args) {
  const env = { ...process.env, PATH: `${join(modules, '.bin')}:${process.env.PATH ?? ''}` }
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: 'inherit' })
    child.on('error', (error) => {
      process.stderr.write(`${command} could not be started: ${error.message}\n`)
      resolve(1)
    })
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

const checks = [
  ['types', [join(modules, '.bin', 'tsc'), '--noEmit']],
  ['types of the page', [join(modules, '.bin', 'tsc'), '-p', 'tsconfig.page.json']],
  ['lint', [join(modules, '.bin', 'oxlint')]],
  ['format', [join(modules, '.bin', 'biome'), 'check', '--error-on-warnings']],
]
/** Told once more at the end: a whole run is long, and often only its last lines are seen. */
const failures = []
const total = { passed: 0, failed: 0, skipped: 0 }
if (filters.length === 0) {
  for (const [name, [command, ...args]] of checks) {
    const code = await run(command, args)
    total[code === 0 ? 'passed' : 'failed'] += 1
    console.log(`${code === 0 ? 'ok' : 'FAILED'}: ${name}`)
    if (code !== 0) failures.push(`FAILED: ${name}`)
  }
}

// Stories start the whole tree of processes, kill them and hold them to seconds: they run one at a time, with nothing beside them.
const isStory = (path) => path.startsWith('test/stories')
// Tests with a real engine (its name is in the file's) share one per run; a JVM beside other tests would make both slow.
const ENGINES = ['kafka', 's3', 'hdfs', 'rest', 'hive', 'spark', 'trino', 'engines'].map(
  (name) => `.${name}.test.ts`,
)
const isOfEngine = (path) => ENGINES.some((suffix) => path.endsWith(suffix))
// Those that take minutes each. Who names one gets it.
const LONG = 'test/**/*.long.*.test.ts'
const leftOut =
  filters.length === 0 && !isLong
    ? readdirSync(join(root, 'test'), { recursive: true })
        .filter((path) => path.includes('.long.'))
        .map((path) => `test/${path}`)
    : []
const stories =
  filters.length === 0 ? ['test/stories'] : filters.filter((path) => isStory(path) && !isOfEngine(path))
const ofEngines = filters.length === 0 ? ENGINES : filters.filter(isOfEngine)
const others = filters.filter((path) => !isStory(path) && !isOfEngine(path))
// What real engines and tools are made of is fetched before any test waits for it.
if (filters.length === 0 || ofEngines.length > 0) {
  const code = await run(node, ['test/engines/prepare.ts'])
  if (code !== 0) process.exit(code)
}
if (filters.length === 0) {
  const left = ['test/stories/**', ...ENGINES.map((suffix) => `test/**/*${suffix}`)]
  await runTests(left.flatMap((glob) => ['--exclude', glob]))
} else if (others.length > 0) await runTests(others)
if (stories.length > 0) {
  // Those with an engine run with the others of it.
  const left = ENGINES.flatMap((suffix) => ['--exclude', `test/**/*${suffix}`])
  await runTests([...stories, '--no-file-parallelism', ...left])
}
if (ofEngines.length > 0) {
  const left = leftOut.length > 0 ? ['--exclude', LONG] : []
  await runTests([...ofEngines, '--no-file-parallelism', ...left])
}

async function runTests(args) {
  const summaryFile = join(root, '.cache', 'test-summary.json')
  rmSync(summaryFile, { force: true })
  const vitest = join(modules, 'vitest', 'vitest.mjs')
  const code = await run(node, [vitest, 'run', ...args])
  if (!existsSync(summaryFile)) {
    total.failed += 1
    failures.push('FAILED: vitest ended without a summary')
    return
  }
  const summary = JSON.parse(readFileSync(summaryFile, 'utf8'))
  for (const key of Object.keys(total)) total[key] += summary[key]
  if (code !== 0 && summary.failed === 0) {
    total.failed += 1
    failures.push(`FAILED: vitest ended with code ${code}, though no test failed`)
  }
  for (const { name, reason } of summary.failures) failures.push(`FAILED: ${name}: ${reason}`)
  for (const { name, reason } of summary.skips) console.log(`skipped: ${name}: ${reason}`)
}

if (leftOut.length > 0)
  console.log(
    `left out: ${leftOut.length} files of long tests (${leftOut.join(', ')}); npm test -- --long runs them too`,
  )
for (const failure of failures) console.log(failure)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
const skippedFails = process.env.LANDFALL_SKIPPED_FAILS === '1' && total.skipped > 0
if (skippedFails) console.error('A skipped test counts as a failure here (LANDFALL_SKIPPED_FAILS=1).')
process.exitCode = total.failed > 0 || skippedFails ? 1 : 0
