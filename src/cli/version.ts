import { readFileSync } from 'node:fs'

/** The version in our package.json; two levels up both from `src/cli` and from `dist/cli`. */
export function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
