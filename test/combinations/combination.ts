/** One combination of real engines: System B through `landfall up` with its URLs, then asked by everybody. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { landfall } from '../cli/run-cli.ts'
import { type Running, startLandfall, temporaryFolder } from '../support/landfall.ts'
import { GAME_ROUNDS } from '../support/seed-game.ts'
import type { Combination } from './parts.ts'
import { expectCounts, expectGame, GAME, playGame } from './play.ts'

export function gameOn(title: string, found: Combination | { missing: string }): void {
  describe(title, () => {
    if ('missing' in found) {
      test('System B', ({ skip }) => skip(found.missing))
      return
    }
    const { urls, env, tables, namespace, trino, catalog, spool, successor } = found
    const data = temporaryFolder()
    const before = Object.entries(urls).flat()
    const flags = Object.entries(successor ? { ...urls, '--lander': successor } : urls).flat()
    const look = (...args: string[]) => landfall(args, { env })
    let up: Running

    beforeAll(async () => {
      await trino.attach('lake', catalog)
      up = await startLandfall(GAME, { data, args: before, env, readyMs: 240_000 })
      if (successor === undefined) return playGame(up.http)
      await playGame(up.http, GAME_ROUNDS / 2)
      const swapped = await look('swap', GAME, `lander=${successor}`, '--data', data)
      expect(swapped.code, swapped.stdout + swapped.stderr).toBe(0)
      await playGame(up.http, GAME_ROUNDS / 2)
    }, 600_000)

    afterAll(async () => {
      await up?.stop()
      await trino.detach('lake')
      rmSync(data, { recursive: true, force: true })
    }, 120_000)

    if (spool) test('our own door answers at once, from commits and spool', () => expectGame(up.sql), 120_000)

    test('what was accepted is landed at the stop, and every line is in the topic', async () => {
      expect(await up.stop(), up.output()).toBe(0)
      const once = await look('land', GAME, '--once', '--data', data, ...flags)
      expect(once.code, once.stderr).toBe(0)
      const watched = await look('watch', '--data', data, '-e')
      expect(watched.stdout.trim().split('\n')).toHaveLength(1144)
    }, 240_000)

    test('a real Trino answers as the seeds do', async () => {
      const url = `${trino.url.replace('http://', 'trino://test@')}/lake/${namespace}`
      await expectCounts(url)
      await expectGame(url)
    }, 240_000)

    test('commands that look find everything by what the directory works with', async () => {
      const listed = JSON.parse((await look('tables', '--data', data, '--json')).stdout) as {
        table: string
        rows: number
      }[]
      const rows = Object.fromEntries(listed.map((one) => [one.table, one.rows]))
      expect(rows).toMatchObject({ events: 1144, purchases: 364 })
      expect((await look('files', 'purchases', '--data', data)).stdout).toContain(`${tables}/purchases/`)
      expect((await look('topics', '--describe', '--data', data)).stdout).toMatch(
        /^Topic: game-\w+ {2}Partitions: 1/,
      )
      expect((await look('status', '--data', data)).stdout).toMatch(/1144 accepted = 1144 landed \+ 0 dead/)
      expect((await look('check', GAME, '--data', data)).stdout).toMatch(/fine\n$/)
    }, 240_000)

    test('questions on another machine are answered from the commits, and say so', async () => {
      const other = temporaryFolder()
      const asked = await look('sql', 'select count(*) as n from events', '--data', other, ...flags)
      rmSync(other, { recursive: true, force: true })
      expect(asked.stdout, asked.stderr).toMatch(/1144/)
      // A topic written in transactions has offsets without a record.
      expect(asked.stderr).toMatch(/holds every event before offset 11\d\d, as of the commit of 20\d\d-/)
    }, 240_000)
  })
}
