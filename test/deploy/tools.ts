/** The tools that hold the files of deploy/ to the rules of those who read them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { provideGo } from '../../src/stack/go.ts'
import { providePython } from '../../src/stack/python.ts'
import { engineCache } from '../engines/cache.ts'

/** A Python environment with hadolint and Kubernetes' schemas. */
export function provideDeployChecks(): Promise<string> {
  const requirements = readFileSync(join(import.meta.dirname, 'requirements.txt'), 'utf8')
  return providePython(engineCache(), 'deploy-checks', requirements)
}

/** What docker compose reads its files with, as a program. */
export function provideCompose(): Promise<string> {
  return provideGo(engineCache(), 'github.com/compose-spec/compose-go/v2/cmd', 'v2.16.2')
}
