import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findCredentials } from '../../src/storage/drivers/s3/credentials.ts'
import { readProfile } from '../../src/storage/drivers/s3/profile.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'landfall-aws-'))
})
afterEach(() => rmSync(home, { recursive: true }))

let now = Date.parse('2026-01-01T00:00:00Z')

async function find(environment: NodeJS.ProcessEnv, stsEndpoint?: string, profileName?: string) {
  const all = { HOME: home, ...environment }
  const profile = await readProfile(all, profileName)
  const patience = { retryMaxMs: 300, requestMaxMs: 1000 }
  return findCredentials({
    environment: all,
    profile,
    region: 'us-east-1',
    stsEndpoint,
    patience,
    nowMs: () => now,
  })
}

/** A token service that answers as Amazon's does (STS API 2011-06-15), credentials numbered, good for an hour. */
async function startSts(answer: () => { status: number; body?: string } | undefined = () => undefined) {
  const asked: URLSearchParams[] = []
  const server: Server = createServer((incoming, outgoing) => {
    let body = ''
    incoming.on('data', (text) => (body += text))
    incoming.on('end', () => {
      asked.push(new URLSearchParams(body))
      const other = answer()
      if (other) return void outgoing.writeHead(other.status).end(other.body ?? '')
      const expiration = new Date(now + 3_600_000).toISOString()
      outgoing
        .writeHead(200, { 'content-type': 'text/xml' })
        .end(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>system:serviceaccount:default:landfall</SubjectFromWebIdentityToken>
    <Credentials>
      <SessionToken>token-${asked.length}&amp;=</SessionToken>
      <SecretAccessKey>secret-${asked.length}</SecretAccessKey>
      <Expiration>${expiration}</Expiration>
      <AccessKeyId>ASIA${asked.length}</AccessKeyId>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

test('keys of the environment go before a profile', async () => {
  writeFileSync(join(home, 'credentials'), '[default]\naws_access_key_id = P\naws_secret_access_key = ps\n')
  const files = { AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials') }
  const both = await find({
    ...files,
    AWS_ACCESS_KEY_ID: 'E',
    AWS_SECRET_ACCESS_KEY: 'es',
    AWS_SESSION_TOKEN: 't',
  })
  expect(await both.get()).toEqual({ accessKeyId: 'E', secretAccessKey: 'es', sessionToken: 't' })
  expect(await (await find(files)).get()).toEqual({ accessKeyId: 'P', secretAccessKey: 'ps' })
})

test('a profile is read from both files, comments and nested settings left out', async () => {
  const config = join(home, 'config')
  writeFileSync(
    config,
    '# c\n[profile lake]\nregion = eu-central-1\ns3 =\n  max_concurrent_requests = 20\naws_access_key_id=A\n',
  )
  writeFileSync(
    join(home, 'credentials'),
    '[lake]\r\naws_access_key_id = B\r\naws_secret_access_key = s=1\r\n',
  )
  const files = { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials') }
  expect(await (await find({ ...files, AWS_PROFILE: 'lake' })).get()).toEqual({
    accessKeyId: 'B',
    secretAccessKey: 's=1',
  })
  expect(await readProfile({ HOME: home, ...files }, 'lake')).toMatchObject({ region: 'eu-central-1' })
  await expect(find({ ...files, AWS_PROFILE: 'none' })).rejects.toThrow('there is no AWS profile "none"')
})

test('what is missing or not supported is named', async () => {
  await expect(find({})).rejects.toThrow('no credentials for the object store')
  await expect(find({ AWS_ACCESS_KEY_ID: 'A' })).rejects.toThrow('AWS_SECRET_ACCESS_KEY is not set')
  await expect(find({ AWS_WEB_IDENTITY_TOKEN_FILE: '/x' })).rejects.toThrow('AWS_ROLE_ARN is not')
  writeFileSync(join(home, 'config'), '[default]\nsso_session = work\n')
  await expect(find({ AWS_CONFIG_FILE: join(home, 'config') })).rejects.toThrow(
    'sso_session, which is not supported',
  )
})

test('a web identity lends credentials and renews them before they expire, with the token as it is then', async () => {
  await using sts = await startSts()
  const token = join(home, 'token')
  writeFileSync(token, 'first\n')
  const source = await find(
    { AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: 'arn:aws:iam::1:role/lake' },
    sts.url,
  )
  const first = { accessKeyId: 'ASIA1', secretAccessKey: 'secret-1', sessionToken: 'token-1&=' }
  expect(await Promise.all([source.get(), source.get()])).toMatchObject([first, first])
  expect(Object.fromEntries(sts.asked[0]!)).toMatchObject({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: 'arn:aws:iam::1:role/lake',
    WebIdentityToken: 'first',
  })
  now += 50 * 60_000
  expect((await source.get()).accessKeyId).toBe('ASIA1')
  writeFileSync(token, 'second')
  now += 6 * 60_000
  expect((await source.get()).accessKeyId).toBe('ASIA2')
  expect(sts.asked.map((body) => body.get('WebIdentityToken'))).toEqual(['first', 'second'])
  // The store has called them expired: they are not used again.
  expect((await source.get(await source.get())).accessKeyId).toBe('ASIA3')
})

test('while the token service is away, credentials are used until they expire', async () => {
  let away = false
  await using sts = await startSts(() => (away ? { status: 503 } : undefined))
  const token = join(home, 'token')
  writeFileSync(token, 't')
  const source = await find({ AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: 'r' }, sts.url)
  await source.get()
  away = true
  now += 57 * 60_000
  expect((await source.get()).accessKeyId).toBe('ASIA1')
  now += 4 * 60_000
  await expect(source.get()).rejects.toMatchObject({ code: 'storage/unavailable', kind: 'retry' })
  away = false
  expect((await source.get()).accessKeyId).not.toBe('ASIA1')
})

test('a refusal of the token service is one clear line without the token', async () => {
  const body =
    '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>'
  await using sts = await startSts(() => ({ status: 403, body }))
  const token = join(home, 'token')
  writeFileSync(token, 'very-secret')
  const source = await find({ AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: 'r' }, sts.url)
  const error = await source.get().catch((error: unknown) => error as Error & { hint: string })
  expect(error).toMatchObject({ code: 'storage/credentials', kind: 'fix-config' })
  expect((error as Error).message).toMatch(/AccessDenied: Not authorized/)
  expect(JSON.stringify(error) + (error as Error).message).not.toContain('very-secret')
})
