export interface Manifest {
  name: string
  version: string
  exports: Record<string, string>
  dependencies: Record<string, string>
  optionalDependencies?: Record<string, string>
  [key: string]: unknown
}

/** What only the repository needs. */
const REPOSITORY_ONLY = ['private', 'scripts', 'devDependencies', 'optionalDependencies', 'allowScripts']

/** Files of the package beside package.json. */
const FILES = ['bin', 'dist', 'docs', 'LICENSE', 'README.md']

/**
 * The manifest of the package, from the repository's: compiled files with their types, no Node binaries, none of the
 * repository's scripts and tools.
 */
export function publishedManifest(repository: Manifest): Record<string, unknown> {
  const published: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(repository))
    if (!REPOSITORY_ONLY.includes(key)) published[key] = value
  published['engines'] = { node: '>=24' }
  published['exports'] = Object.fromEntries(
    Object.entries(repository.exports).map(([name, path]) => [name, compiledExport(path)]),
  )
  published['files'] = FILES
  const optional = Object.entries(repository.optionalDependencies ?? {}).filter(
    ([name]) => !name.startsWith('node-'),
  )
  if (optional.length > 0) published['optionalDependencies'] = Object.fromEntries(optional)
  return published
}

/** `./src/client/client.ts` → the JavaScript and its declarations below dist/. */
function compiledExport(path: string): string | { types: string; default: string } {
  const source = /^\.\/src\/(.+)\.ts$/.exec(path)
  return source === null ? path : { types: `./dist/${source[1]}.d.ts`, default: `./dist/${source[1]}.js` }
}
