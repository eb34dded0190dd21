// Makes a checkout ready, on whatever Node runs npm (20 or newer): dependencies, and with them the pinned Node.
// Plain JavaScript, because it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules', '.bin')

/** Is every package of package-lock.json installed in its version? Optional ones (other platforms) may be absent. */
function isInstalled() {
  const installedFile = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedFile)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true
    return optional
      ? !installed[path] || installed[path].version === version
      : installed[path]?.version === version
  })
}

/** Runs `npm ci` when something is missing or of another version. Prints one line when it does. */
export function ensureInstalled() {
  if (isInstalled()) return
  process.stderr.write('Installing dependencies (npm ci) …\n')
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (result.error) fail(`npm could not be started: ${result.error.message}`)
  if (result.status !== 0) fail('npm ci failed; its message is above')
}

/** The Node that runs Landfall: the pinned one where its package exists, else this one if it is new enough. */
export function pinnedNode() {
  const pinned = join(bin, 'node')
  if (existsSync(pinned)) return pinned
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  return fail(
    `Landfall needs Node 24, this is ${process.versions.node}, and no pinned Node exists for ${process.platform}-${process.arch}. Install Node 24 and run the command again.`,
  )
}

/** PATH with the pinned Node and the project's tools first. */
export function environment() {
  return { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` }
}

/** Runs a program in the foreground, passes signals on, and resolves to its exit code. */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env: environment(), stdio: 'inherit', ...options })
    const pass = (signal) => child.kill(signal)
    // On a terminal Ctrl-C reaches the child by itself; the parent only has to outlive it.
    const interrupt = () => {
      if (!process.stdin.isTTY) child.kill('SIGINT')
    }
    process.on('SIGTERM', pass)
    process.on('SIGINT', interrupt)
    child.on('error', (error) => {
      process.stderr.write(`${command} could not be started: ${error.message}\n`)
      resolve(1)
    })
    child.on('exit', (code, signal) => {
      process.off('SIGTERM', pass)
      process.off('SIGINT', interrupt)
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1))
    })
  })
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
