import { mkdirSync, writeFileSync } from 'node:fs'
import type { SerializedError } from 'vitest'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

interface Told {
  name: string
  reason: string
}

/** Counts what every test did and keeps what failed or was skipped and why, for the last lines of `npm test`. */
export default class SummaryReporter implements Reporter {
  #summary = { passed: 0, failed: 0, skipped: 0, skips: [] as Told[], failures: [] as Told[] }

  onTestCaseResult(test: TestCase): void {
    const result = test.result()
    if (result.state === 'passed') this.#summary.passed += 1
    else if (result.state === 'failed')
      this.#failed(`${test.module.relativeModuleId} > ${test.fullName}`, result.errors[0])
    else if (result.state === 'skipped') {
      this.#summary.skipped += 1
      this.#summary.skips.push({ name: test.fullName, reason: result.note ?? 'no reason given' })
    }
  }

  onTestModuleEnd(module: TestModule): void {
    // A file that could not be loaded, or a failing hook outside of tests, is a failure too.
    for (const error of module.errors()) this.#failed(module.relativeModuleId, error)
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    for (const error of unhandled) this.#failed('an error outside of tests', error)
    mkdirSync('.cache', { recursive: true })
    writeFileSync('.cache/test-summary.json', JSON.stringify(this.#summary))
  }

  #failed(name: string, error: { message: string } | undefined): void {
    this.#summary.failed += 1
    this.#summary.failures.push({ name, reason: error?.message.split('\n')[0] ?? 'no reason given' })
  }
}
