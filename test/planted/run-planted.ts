/**
 * Puts one bug after the other into the product and runs the test that must catch it. A test that fails for another reason (the
 * bug breaks the file, nothing is run) counts as no catch.
 *
 *   node test/planted/run-planted.ts [NAME…]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Bug, type Check, PLANTED, ROOT } from './bug.ts'
import { BUGS, bugNamed } from './bugs/bugs.ts'

export interface PlantedReport {
  planted: number
  caught: number
  /** Bugs that no test has noticed, and checks that fail without any bug. */
  missed: { name: string; why: string }[]
}

interface Ran {
  passed: number
  failed: number
  output: string
}

/** Runs all bugs, or those named. `tell` hears a line for each. */
export async function runPlanted(
  bugs: readonly Bug[] = BUGS,
  tell: (line: string) => void = () => {},
): Promise<PlantedReport> {
  const report: PlantedReport = { planted: bugs.length, caught: 0, missed: [] }
  for (const { file, test } of checksOf(bugs)) {
    const { passed, failed, output } = await runCheck({ file, test })
    if (passed > 0 && failed === 0) continue
    report.missed.push({
      name: `${file} without a bug`,
      why: `${passed} passed, ${failed} failed\n${output}`,
    })
  }
  for (const bug of bugs) {
    const { passed, failed, output } = await runCheck(bug.check, bug)
    if (failed > 0) report.caught += 1
    else {
      const why = passed > 0 ? `${bug.check.file} passes with it` : `nothing was run\n${output}`
      report.missed.push({ name: bug.name, why })
    }
    tell(`${failed > 0 ? 'caught' : 'NOT CAUGHT'}: ${bug.name}`)
  }
  return report
}

/** Each file once, with all names that are asked of it: a pattern for vitest. */
function checksOf(bugs: readonly Bug[]): Check[] {
  const names = new Map<string, Set<string>>()
  for (const { check } of bugs) {
    const known = names.get(check.file) ?? new Set()
    names.set(check.file, known.add(patternOf(check.test)))
  }
  return [...names].map(([file, tests]) => ({ file, test: [...tests].join('|') }))
}

const patternOf = (test: string) => test.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

async function runCheck(check: Check, bug?: Bug): Promise<Ran> {
  const directory = mkdtempSync(join(tmpdir(), 'landfall-planted-'))
  try {
    const results = join(directory, 'results.json')
    const output = await runVitest(check, results, bug)
    return { ...counts(results), output }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function runVitest({ file, test }: Check, results: string, bug: Bug | undefined): Promise<string> {
  const register = pathToFileURL(join(import.meta.dirname, 'register.ts')).href
  const env: NodeJS.ProcessEnv = { ...process.env }
  // Of a test that runs us: this is a vitest of its own.
  for (const key of Object.keys(env)) if (key.startsWith('VITEST')) delete env[key]
  if (bug !== undefined) {
    env[PLANTED] = bug.name
    env['NODE_OPTIONS'] = `${env['NODE_OPTIONS'] ?? ''} --import=${register}`
  }
  const child = spawn(
    process.execPath,
    [
      join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      '--config',
      join(import.meta.dirname, 'vitest.config.ts'),
      '--reporter=json',
      `--outputFile=${results}`,
      ...(test === '' ? [] : ['-t', bug === undefined ? test : patternOf(test)]),
      file,
    ],
    { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      lines.push(text)
      if (lines.length > 50) lines.shift()
    })
  }
  await once(child, 'close')
  return lines.join('').slice(-2000)
}

function counts(results: string): { passed: number; failed: number } {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(results, 'utf8')) as {
      numPassedTests: number
      numFailedTests: number
    }
    return { passed: numPassedTests, failed: numFailedTests }
  } catch {
    // Vitest could not even begin: its output says why.
    return { passed: 0, failed: 0 }
  }
}

if (import.meta.main) {
  const names = process.argv.slice(2)
  const report = await runPlanted(names.length === 0 ? BUGS : names.map(bugNamed), (line) =>
    process.stdout.write(`${line}\n`),
  )
  process.stdout.write(`planted bugs: ${report.caught} of ${report.planted} caught\n`)
  for (const { name, why } of report.missed) process.stdout.write(`missed: ${name}: ${why}\n`)
  process.exitCode = report.missed.length === 0 ? 0 : 1
}
