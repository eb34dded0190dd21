import { mkdirSync, writeFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Counts what every test did and keeps why a test was skipped, for the last lines of `npm test`. */
export default class SummaryReporter implements Reporter {
  #summary = { passed: 0, failed: 0, skipped: 0, skips: [] as { name: string; reason: string }[] }

  onTestCaseResult(test: TestCase): void {
    const result = test.result()
    if (result.state === 'passed') this.#summary.passed += 1
    else if (result.state === 'failed') this.#summary.failed += 1
    else if (result.state === 'skipped') {
      this.#summary.skipped += 1
      this.#summary.skips.push({ name: test.fullName, reason: result.note ?? 'no reason given' })
    }
  }

  onTestModuleEnd(module: TestModule): void {
    // A file that could not be loaded, or a failing hook outside of tests, is a failure too.
    this.#summary.failed += module.errors().length
  }

  onTestRunEnd(): void {
    mkdirSync('.cache', { recursive: true })
    writeFileSync('.cache/test-summary.json', JSON.stringify(this.#summary))
  }
}
