// What every npm script begins with: install what is missing, then go on under the pinned Node. Plain JavaScript for
// whatever Node the system has.
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findPinnedNode, handOver, isNodeFine, tooOldMessage } from '../bin/node24.js'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Names of packages that the lockfile wants and `node_modules` does not have in that version. */
export function missingPackages() {
  const wanted = readLock(join(root, 'package-lock.json'))
  const present = readLock(join(root, 'node_modules', '.package-lock.json'))
  return Object.entries(wanted)
    .filter(([path, entry]) => path.startsWith('node_modules/') && !entry.optional && !entry.devOptional)
    .filter(([path, entry]) => present[path]?.version !== entry.version || !existsSync(join(root, path)))
    .map(([path]) => path.slice('node_modules/'.length))
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {}
  } catch {
    return {}
  }
}

/** `npm ci` when something is missing; ends the process when that fails. */
export function installWhatIsMissing() {
  const missing = missingPackages()
  if (missing.length === 0 && (isNodeFine() || findPinnedNode(root) !== undefined)) return
  const modules = join(root, 'node_modules')
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    // npm ci would empty the folder that the link leads to.
    process.stderr.write(
      `landfall: node_modules is a link and lacks ${missing[0] ?? 'Node 24'}; install where it leads to\n`,
    )
    process.exit(1)
  }
  const what = missing.length === 0 ? 'Node 24' : `${missing.length} packages`
  process.stderr.write(`landfall: installing ${what} (npm ci)\n`)
  // npm tells its scripts where it is; without it (`node scripts/start.js`) the one on the PATH does.
  const npm = process.env.npm_execpath
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  const done = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (done.status === 0) return
  process.stderr.write(
    'landfall: npm ci failed; its own message stands above. Is the package registry reachable?\n',
  )
  process.exit(1)
}

/**
 * Runs a TypeScript file of this repository under Node 24 in place of this process.
 * @param {string} file relative to the repository's root
 * @param {string[]} args
 */
export function runUnderNode24(file, args) {
  const node = isNodeFine() ? process.execPath : findPinnedNode(root)
  if (node === undefined) {
    process.stderr.write(`${tooOldMessage()}\n`)
    process.exit(1)
  }
  // As the launcher does: a lander's statements and the log's reads do not wait for each other.
  process.env.UV_THREADPOOL_SIZE ??= '8'
  process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'landfall')
  handOver(node, [join(root, file), ...args])
}
