/** Programs of the field from PyPI, each in a Python environment of its own; every file is held to the hashes of its requirements. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type EngineCache, provideMade } from './cache.ts'
import { execute } from './execute.ts'

const INSTALL = 'Install Python 3.10 or newer with venv (apt-get install python3-venv)'

/**
 * The directory of an environment with exactly `requirements` (lines `name==version --hash=sha256:…`, all that is needed: pip adds
 * nothing that is not listed).
 */
export function providePython(cache: EngineCache, name: string, requirements: string): Promise<string> {
  return provideMade(cache, name, [requirements], async (directory) => {
    const list = join(directory, 'requirements.txt')
    writeFileSync(list, requirements)
    const run = (what: string, command: string, args: string[]) =>
      execute(what, command, args, {
        install: INSTALL,
        signal: cache.signal,
        onTick: (elapsedMs) => cache.report({ what, elapsedMs }),
      })
    await run('making a Python environment', 'python3', ['-m', 'venv', directory])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir']
    const args = [...pip, '--require-hashes', '--no-deps', '-r', list]
    await run(`fetching ${name}`, join(directory, 'bin/python'), args)
  })
}
