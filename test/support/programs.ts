import { execFileSync } from 'node:child_process'

/** Why a test that needs these programs cannot run here; undefined when it can. */
export function missingPrograms(...names: string[]): string | undefined {
  const missing = names.filter((name) => {
    try {
      execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' })
      return false
    } catch {
      return true
    }
  })
  return missing.length === 0
    ? undefined
    : `not installed: ${missing.join(', ')} (Debian packages of these names)`
}
