import { expect, test } from 'vitest'
import { readClientRequest, sessionHeaders } from '../../../src/sql/wire/trino/session-headers.ts'

test('a session is read from the headers of Trino', () => {
  const client = readClientRequest({
    'x-trino-user': 'ada',
    'x-trino-source': 'trino-cli',
    'x-trino-catalog': 'hive',
    'x-trino-schema': 'default',
    'x-trino-time-zone': 'Europe/Rome',
    'x-trino-language': 'en-US',
    'x-trino-client-tags': 'a, b,,c',
    'x-trino-session': 'query_max_run_time=1h, join_distribution_type=a%2Cb+c',
    'x-trino-prepared-statement': 'p=SELECT+%3F%2C+%27a%2Bb%27',
    'x-trino-transaction-id': 'NONE',
    'x-trino-client-capabilities': 'PATH,PARAMETRIC_DATETIME',
  })
  expect(client).toEqual({
    prefix: 'x-trino',
    capabilities: new Set(['PATH', 'PARAMETRIC_DATETIME']),
    session: {
      user: 'ada',
      source: 'trino-cli',
      catalog: 'hive',
      schema: 'default',
      timeZone: 'Europe/Rome',
      language: 'en-US',
      clientTags: ['a', 'b', 'c'],
      properties: { query_max_run_time: '1h', join_distribution_type: 'a,b c' },
      preparedStatements: { p: "SELECT ?, 'a+b'" },
    },
  })
})

test('what is empty is absent, as clients send it', () => {
  const client = readClientRequest({ 'x-presto-user': 'ada', 'x-presto-session': '', 'x-presto-catalog': '' })
  expect(client).toEqual({
    prefix: 'x-presto',
    capabilities: new Set(),
    session: { user: 'ada', clientTags: [], properties: {}, preparedStatements: {} },
  })
})

test('who asks may also stand in basic authentication; nobody is nobody', () => {
  const authorization = `Basic ${Buffer.from('ada:').toString('base64')}`
  expect(readClientRequest({ authorization })?.session.user).toBe('ada')
  expect(readClientRequest({ authorization, 'x-trino-user': 'bob' })?.session.user).toBe('bob')
  expect(readClientRequest({ 'x-trino-source': 's' })).toBeUndefined()
  expect(readClientRequest({ authorization: 'Bearer x' })).toBeUndefined()
})

test.each(['novalue', '=x', 'a=%zz'])('a session header that holds %s is refused', (value) => {
  const read = () => readClientRequest({ 'x-trino-user': 'a', 'x-trino-session': value })
  expect(read).toThrow(expect.objectContaining({ code: 'sql/bad-header' }))
})

test('changes of a session are headers with the prefix of the client', () => {
  const change = {
    catalog: 'hive',
    schema: 'default',
    setProperties: { time_zone_id: 'Europe/Rome' },
    addedPrepare: { name: 'p', sql: "SELECT 'ü', ?" },
    deallocatedPrepare: 'q',
    role: { catalog: 'system', role: 'ALL' },
    startedTransactionId: 'id',
    clearTransaction: true as const,
    resetProperty: 'x',
  }
  expect(sessionHeaders('x-presto', change)).toEqual({
    'x-presto-set-catalog': 'hive',
    'x-presto-set-schema': 'default',
    'x-presto-set-session': ['time_zone_id=Europe%2FRome'],
    'x-presto-clear-session': 'x',
    'x-presto-set-role': 'system=ALL',
    'x-presto-added-prepare': "p=SELECT+'%C3%BC'%2C+%3F",
    'x-presto-deallocated-prepare': 'q',
    'x-presto-started-transaction-id': 'id',
    'x-presto-clear-transaction-id': 'true',
  })
})
