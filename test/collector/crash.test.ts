import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openEmbeddedReader } from '../../src/log/drivers/embedded/embedded-reader.ts'
import { directory, stored } from './support.ts'

async function start(data: string): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-child.ts'), data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  return { child, address: line.toString().trim() }
}

test('guild counts are exact after each of 5 kills during load, and retries with a key count once', async () => {
  const data = directory()
  const answered: { guild: string; count: number }[] = []
  let keyed = 0
  for (let kill = 0; kill < 5; kill++) {
    const { child, address } = await start(data)
    let stopped = false
    const clients = Array.from({ length: 16 }, async (_, client) => {
      for (let i = 0; !stopped; i++) {
        const guild = `g${client % 3}`
        // Every fourth request may be repeated with its key until it has an answer, across the kills.
        const headers: Record<string, string> =
          i % 4 === 0 ? { 'Idempotency-Key': `${kill}-${client}-${i}` } : {}
        try {
          const said = await fetch(`${address}/join_guild/${guild}`, { headers })
          if (said.status === 200)
            answered.push({ guild, count: Number(/:(\d+)\n$/.exec(await said.text())![1]) })
        } catch {
          if (i % 4 === 0) pending.push({ guild, key: headers['Idempotency-Key']! })
        }
      }
    })
    const pending: { guild: string; key: string }[] = []
    const before = answered.length
    await expect
      .poll(() => answered.length - before, { interval: 1, timeout: 20_000 })
      .toBeGreaterThan(40 + 37 * kill)
    child.kill('SIGKILL')
    await once(child, 'exit')
    stopped = true
    await Promise.all(clients)
    const next = await start(data)
    const cut = pending.slice(0, 16)
    for (const { guild, key } of cut) {
      for (let again = 0; again < 2; again++) {
        const said = await fetch(`${next.address}/join_guild/${guild}`, {
          headers: { 'Idempotency-Key': key },
        })
        expect(said.status).toBe(200)
        const count = Number(/:(\d+)\n$/.exec(await said.text())![1])
        if (again === 0) answered.push({ guild, count })
        else expect(answered.at(-1)).toEqual({ guild, count })
      }
      keyed++
    }
    next.child.kill('SIGKILL')
    await once(next.child, 'exit')
  }

  await using reader = await openEmbeddedReader({ directory: join(data, 'log') })
  const records = await stored(reader)
  const members: Record<string, number> = {}
  for (const { event } of records) {
    const guild = event['guild_name'] as string
    members[guild] = (members[guild] ?? 0) + 1
    expect(event['guild_member_cnt']).toBe(members[guild])
  }
  // Every answered count is an event, and no two answers have the same.
  const told = new Set(answered.map(({ guild, count }) => `${guild} ${count}`))
  expect(told.size).toBe(answered.length)
  for (const { guild, count } of answered) expect(count).toBeLessThanOrEqual(members[guild]!)
  const ids = records.map(({ headers }) => headers['id'])
  expect(new Set(ids).size).toBe(ids.length)
  expect(answered.length).toBeGreaterThan(200)
  expect(keyed).toBeGreaterThan(0)
})
