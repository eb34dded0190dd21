import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createAccess, digestOf } from '../../src/base/access.ts'
import { formatUser, isUserName, openUsers, parseUsers } from '../../src/base/users.ts'
import { until } from '../support/landfall.ts'

const basic = (name: string, secret: string) => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`
const users = new Map([
  ['alice', digestOf('token-of-alice')],
  ['bob', digestOf('token:of-bob')],
])

test('where nobody is configured everybody may ask, under no proven name', () => {
  const access = createAccess(null)
  expect(access.open).toBe(true)
  expect(access.identify(undefined)).toEqual({ user: undefined })
  expect(access.identify('Bearer anything')).toEqual({ user: undefined })
})

test('a common token lets in whoever sends it, as bearer or as password, and proves no name', () => {
  const access = createAccess('secret')
  expect(access.open).toBe(false)
  for (const sent of ['Bearer secret', 'bearer  secret', basic('anybody', 'secret'), basic('', 'secret')]) {
    expect(access.identify(sent)).toEqual({ user: undefined })
  }
  for (const sent of [
    undefined,
    '',
    'Bearer',
    'Bearer Secret',
    'Digest secret',
    basic('secret', ''),
    'Basic %%%',
  ]) {
    expect(access.identify(sent)).toBeUndefined()
  }
})

test('a user is known by the token alone, and with a name by both', () => {
  const access = createAccess(null, () => users)
  expect(access.identify('Bearer token-of-alice')).toEqual({ user: 'alice' })
  expect(access.identify(basic('bob', 'token:of-bob'))).toEqual({ user: 'bob' })
  expect(access.login('bob', 'token:of-bob')).toEqual({ user: 'bob' })
  for (const sent of [
    undefined,
    'Bearer secret',
    basic('alice', 'token:of-bob'),
    basic('', 'token-of-alice'),
  ]) {
    expect(access.identify(sent)).toBeUndefined()
  }
  expect(createAccess(null, () => new Map()).identify('Bearer x')).toBeUndefined()
})

test('the file of users is read strictly and never shown', () => {
  const line = formatUser('alice', digestOf('x'))
  expect([...parseUsers(`# people\n\n${line}\r\n`, 'users').keys()]).toEqual(['alice'])
  for (const wrong of [
    'alice',
    'alice:plain-secret',
    `${line}0`,
    `${line}\n${line}`,
    ` :sha256:${'0'.repeat(64)}`,
  ]) {
    let message = ''
    try {
      parseUsers(wrong, 'users')
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toMatch(/^users:[12]: (expected NAME:sha256:HEX|user alice is there twice)$/)
  }
  expect(['alice', 'a.b@c', 'ü', '', 'a b', 'a:b', '#a'].map(isUserName)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ])
})

test('a changed file is taken over; one that cannot be read changes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'landfall-users-'))
  const path = join(folder, 'users')
  try {
    writeFileSync(path, `${formatUser('alice', digestOf('1'))}\n`)
    const errors: unknown[] = []
    using found = await openUsers(path, (error) => errors.push(error))
    await new Promise((resolve) => setTimeout(resolve, 50))
    appendFileSync(path, `${formatUser('bob', digestOf('2'))}\n`)
    await until('the second user', () => found.read().has('bob'))
    appendFileSync(path, 'rubbish\n')
    await until('the error', () => errors.length > 0)
    expect([...found.read().keys()]).toEqual(['alice', 'bob'])
    await expect(openUsers(join(folder, 'none'), () => {})).rejects.toMatchObject({ code: 'access/users' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
