import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ScriptedDoor } from './scripted-door.ts'

function start(script: string, ...args: string[]) {
  const child = spawn(
    process.execPath,
    ['--no-warnings', '--experimental-vm-modules', fileURLToPath(new URL(script, import.meta.url)), ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const ended = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    output,
  }))
  return { child, ended, ready: once(child.stdout, 'data') }
}

const heights = (door: ScriptedDoor) =>
  door.requests.flatMap((request) => request.events.map((event) => event['height']))

describe('a Node process that ends', () => {
  test('with nothing left to do sends what is queued, and then ends', async () => {
    await using door = await ScriptedDoor.open()
    const { code } = await start('./quit-script.ts', door.url, 'by itself').ended
    expect(code).toBe(0)
    expect(heights(door)).toEqual([0, 1, 2])
  })

  test('by SIGTERM sends what is queued and still dies of the signal', async () => {
    await using door = await ScriptedDoor.open()
    const run = start('./quit-script.ts', door.url, 'signal')
    await run.ready
    run.child.kill('SIGTERM')
    expect(await run.ended).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(heights(door)).toEqual([0, 1, 2])
  })

  test('leaves the end to the application where it has a handler of its own', async () => {
    await using door = await ScriptedDoor.open()
    const run = start('./quit-script.ts', door.url, 'own-handler')
    await run.ready
    run.child.kill('SIGTERM')
    expect(await run.ended).toMatchObject({ code: 7 })
    expect(heights(door)).toEqual([0, 1, 2])
  })

  test('is not held by a collector that does not answer', async () => {
    await using door = await ScriptedDoor.open(() => 'hang-up')
    const begun = performance.now()
    const { code } = await start('./quit-script.ts', door.url, 'by itself').ended
    expect(code).toBe(0)
    expect(performance.now() - begun).toBeLessThan(20_000)
  })
})

describe('a page that is hidden', () => {
  test('sends a beacon with its public key in the query, and again later with the same ids', async () => {
    await using door = await ScriptedDoor.open()
    const { code, output } = await start('./page-script.ts', door.url, 'beacon').ended
    expect(code).toBe(0)
    const page = JSON.parse(output)
    expect(page.beacons).toHaveLength(1)
    expect(page.after).toBe(1)
    expect(page.beacons[0]).toMatchObject({
      url: `${door.url}/v1/events?key=public-1`,
      type: 'text/plain;charset=utf-8',
    })
    expect(page.before).toMatchObject({ queued: 3, accepted: 0 })
    expect(page.stats).toMatchObject({ accepted: 3 })
    expect(door.requests).toHaveLength(1)
    expect(door.requests[0]!.body).toBe(page.beacons[0].text)
  })

  test('uses a request that outlives the page where it cannot send a beacon', async () => {
    await using door = await ScriptedDoor.open()
    const { code } = await start('./page-script.ts', door.url, 'no-beacon').ended
    expect(code).toBe(0)
    const last = door.requests.find((request) => request.url.includes('key='))!
    expect(last.headers['content-type']).toMatch(/^text\/plain/)
    expect(last.events).toHaveLength(3)
  })
})
