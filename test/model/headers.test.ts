import { expect, test } from 'vitest'
import { canonicalHeader, headerColumnName, isCredentialHeader } from '../../src/model/headers.ts'

test('headers have their usual capitals, however they come', () => {
  const names = [
    'user-agent',
    'HOST',
    'Accept',
    'x-forwarded-for',
    'etag',
    'dnt',
    'te',
    'www-authenticate',
    'sec-ch-ua-platform',
    'x-request-id',
  ]
  expect(names.map(canonicalHeader)).toEqual([
    'User-Agent',
    'Host',
    'Accept',
    'X-Forwarded-For',
    'ETag',
    'DNT',
    'TE',
    'WWW-Authenticate',
    'Sec-CH-UA-Platform',
    'X-Request-ID',
  ])
  for (const name of names) expect(canonicalHeader(canonicalHeader(name))).toBe(canonicalHeader(name))
})

test('a header column has the chosen name, else the header’s own', () => {
  expect(headerColumnName('user-agent')).toBe('User-Agent')
  expect(headerColumnName('user-agent', 'User_Agent')).toBe('User_Agent')
  expect(headerColumnName('content-length', { type: 'int' })).toBe('Content-Length')
  expect(headerColumnName('content-length', { column: 'length', type: 'int' })).toBe('length')
})

test('credentials are known in any case', () => {
  for (const name of ['Authorization', 'COOKIE', 'proxy-authorization', 'X-API-Key', 'x-landfall-key']) {
    expect(isCredentialHeader(name)).toBe(true)
  }
  expect(isCredentialHeader('User-Agent')).toBe(false)
})
