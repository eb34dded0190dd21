import { describeError, EXIT, exit, exitCodeOf } from '../exit.ts'
import { type LogFormat, openReport, type Report } from '../reporter.ts'
import { greeting } from './greeting.ts'
import { openSupervisor, type Supervisor } from './supervisor.ts'

export interface UpOptions {
  launcher: string
  pipeline: string
  data: string
  flags: readonly string[]
  logFormat: LogFormat
  watch: boolean
}

/** `landfall up`: runs until it is stopped. Ends the process. */
export async function runUp(options: UpOptions): Promise<never> {
  const report = await openReport(options.logFormat)
  const supervisor = await openSupervisor({ ...options, report })
  const stopped = stopOnSignals(supervisor, report)
  try {
    const serving = Promise.withResolvers<void>()
    if (options.watch) {
      const { watchPipeline } = await import('./watch-pipeline.ts')
      await watchPipeline(supervisor, serving.promise, options, report)
    }
    const up = await Promise.race([supervisor.start(), stopped])
    if (up !== undefined) {
      const text =
        options.logFormat === 'json' ? 'landfall is up' : greeting(up, supervisor.compiled, options)
      report({ level: 'info', text, fields: { http: up.http, sql: up.sql } })
      serving.resolve()
      await Promise.race([supervisor.failed, stopped])
    }
  } catch (error) {
    process.stderr.write(`landfall: ${describeError(error)}\n`)
    await supervisor.hurry()
    return exit(exitCodeOf(error))
  }
  return exit(EXIT.ok)
}

/** Resolves when the first SIGTERM or Ctrl-C has led to a graceful end; the second hurries, the third kills. */
export function stopOnSignals(supervisor: Supervisor, report: Report): Promise<undefined> {
  const stopped = Promise.withResolvers<undefined>()
  let signals = 0
  const stop = () => {
    signals += 1
    if (signals === 1) {
      report({ level: 'info', text: 'stopping: what was accepted is landed; Ctrl-C again to hurry' })
      supervisor.stop().then(() => stopped.resolve(undefined), stopped.reject)
    }
    if (signals === 2) supervisor.hurry().catch(stopped.reject)
    if (signals > 2) {
      supervisor.kill()
      process.exit(EXIT.failure)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  return stopped.promise
}
