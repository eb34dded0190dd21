/** Programs of the field that Go compiles from an exact version; Go itself holds the sources to the checksum database. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type EngineCache, withCacheLock } from './cache.ts'
import { execute } from './execute.ts'

const INSTALL = 'Install Go (https://go.dev/dl)'

/** The executable of a Go package: `provideGo(cache, 'github.com/versity/versitygw/cmd/versitygw', 'v1.2.3')`. */
export async function provideGo(cache: EngineCache, path: string, version: string): Promise<string> {
  const name = path.split('/').at(-1)!
  const folder = join(cache.directory, 'programs')
  const program = join(folder, `${name}-${version}`)
  if (existsSync(program)) return program
  return withCacheLock(cache, `${name}-${version}`, async () => {
    if (existsSync(program)) return program
    mkdirSync(folder, { recursive: true })
    const temporary = mkdtempSync(join(cache.directory, 'fetch-'))
    try {
      await compile(cache, temporary, path, version)
      const [made] = readdirSync(join(temporary, 'bin'))
      renameSync(join(temporary, 'bin', made!), program)
      return program
    } finally {
      rmSync(temporary, { recursive: true, force: true })
    }
  })
}

async function compile(cache: EngineCache, temporary: string, path: string, version: string): Promise<void> {
  const what = `compiling ${path.split('/').at(-1)} ${version}`
  await execute(what, 'go', ['install', '-modcacherw', '-ldflags=-s -w', `${path}@${version}`], {
    install: INSTALL,
    signal: cache.signal,
    onTick: (elapsedMs) => cache.report({ what, elapsedMs }),
    env: {
      GOBIN: join(temporary, 'bin'),
      GOMODCACHE: join(temporary, 'modules'),
      GOCACHE: join(temporary, 'objects'),
      CGO_ENABLED: '0',
    },
  })
}
