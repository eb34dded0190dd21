import { expect, test } from 'vitest'
import { Admission } from '../../src/sql/drivers/duckdb/admission.ts'

/** Queries that note when they start; `end` ends the one that started first. */
class Crowd {
  readonly started: string[] = []
  readonly refused: string[] = []
  readonly ahead = new Map<string, () => number>()
  readonly #leave: (() => void)[] = []
  readonly #admission: Admission

  constructor(runningMax: number, waitingMax: number) {
    this.#admission = new Admission(runningMax, waitingMax)
  }

  ask(name: string, signal = new AbortController().signal): Promise<void> {
    const user = name.slice(0, 1)
    return this.#admission
      .enter(signal, user, (ahead) => this.ahead.set(name, ahead))
      .then(
        (leave) => {
          this.started.push(name)
          this.#leave.push(leave)
        },
        () => void this.refused.push(name),
      )
  }

  async end(): Promise<void> {
    this.#leave.shift()!()
    await Promise.resolve()
    await new Promise(setImmediate)
  }

  get waiting(): number {
    return this.#admission.waiting
  }
}

test('users take turns: a hundred queries of one do not hold up another', async () => {
  const crowd = new Crowd(1, 200)
  await crowd.ask('a0')
  for (let i = 1; i <= 100; i++) void crowd.ask(`a${i}`)
  void crowd.ask('b1')
  void crowd.ask('b2')
  void crowd.ask('c1')
  expect(crowd.ahead.get('b2')!()).toBe(4)
  expect(crowd.ahead.get('c1')!()).toBe(2)
  expect(crowd.ahead.get('a100')!()).toBe(102)
  const expected = ['a0', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']
  for (const _ of expected.slice(1)) await crowd.end()
  expect(crowd.started).toEqual(expected)
})

test('how many start before one is what happens then', async () => {
  const crowd = new Crowd(2, 100)
  const names = 'a1 a2 a3 b1 a4 c1 b2 c2 a5 b3 d1'.split(' ')
  for (const name of names) void crowd.ask(name)
  await new Promise(setImmediate)
  const promised = [...crowd.ahead].map(([name, ahead]) => [ahead(), name] as const)
  for (const _ of promised) await crowd.end()
  const order = promised.toSorted(([a], [b]) => a - b).map(([, name]) => name)
  expect(crowd.started.slice(2)).toEqual(order)
})

test('a full queue has room for who waits less than others', async () => {
  const crowd = new Crowd(1, 3)
  await crowd.ask('a0')
  for (const name of ['a1', 'a2', 'a3']) void crowd.ask(name)
  await crowd.ask('a4')
  expect(crowd.refused).toEqual(['a4'])
  void crowd.ask('b1')
  await new Promise(setImmediate)
  expect(crowd.refused).toEqual(['a4', 'a3'])
  await crowd.ask('b2')
  expect(crowd.refused).toEqual(['a4', 'a3', 'b2'])
  expect(crowd.waiting).toBe(3)
  for (let i = 0; i < 3; i++) await crowd.end()
  expect(crowd.started).toEqual(['a0', 'a1', 'b1', 'a2'])
})

test('who goes away leaves the line, and the place of who ran is free again', async () => {
  const crowd = new Crowd(1, 3)
  await crowd.ask('a0')
  const gone = new AbortController()
  const waiting = crowd.ask('b1', gone.signal)
  void crowd.ask('a1')
  gone.abort(new Error('gone'))
  await waiting
  expect(crowd.refused).toEqual(['b1'])
  await crowd.end()
  expect(crowd.started).toEqual(['a0', 'a1'])
  await crowd.end()
  await crowd.ask('c1')
  expect(crowd.started.at(-1)).toBe('c1')
})
