/** Wrong URLs, as a user meets them: one clear line each, and never a secret in it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { bind } from '../../src/pipeline/bound.ts'
import { ownPlaces } from '../../src/pipeline/places.ts'
import { landfall } from './run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'landfall-urls-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const game = resolve(import.meta.dirname, '../../examples/game-simple/pipeline.ts')
const fresh = (name: string) => join(folder, name)
const SECRET = 'hunter2'

const NO_KEYS = {
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_PROFILE: '',
  AWS_SHARED_CREDENTIALS_FILE: fresh('none'),
  AWS_CONFIG_FILE: fresh('none'),
}

/** As on a machine where nobody installed the optional packages. */
const hooks = join(folder, 'without-libraries.mjs')
writeFileSync(
  hooks,
  `import { registerHooks } from 'node:module'
registerHooks({
  resolve(specifier, context, next) {
    if (!/^(@platformatic\\/|aws4fetch)/.test(specifier)) return next(specifier, context)
    throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' })
  },
})
`,
)
const WITHOUT_LIBRARIES = { NODE_OPTIONS: `--import ${hooks}` }

const bound = fresh('bound')
await bind({ ...ownPlaces(bound), storage: 's3://lake/game' })

const cases: [
  what: string,
  args: string[],
  code: number,
  message: RegExp,
  environment?: NodeJS.ProcessEnv,
][] = [
  [
    'a log of an unknown kind',
    ['collect', game, '--data', fresh('a'), '--log', 'pulsar://h:6650/t'],
    1,
    /pulsar/,
  ],
  [
    'storage of an unknown kind',
    ['land', game, '--data', fresh('b'), '--storage', 'gs://bucket'],
    1,
    /no storage driver for gs:\/\//,
  ],
  [
    'a catalog of an unknown kind',
    ['tables', '--data', fresh('c'), '--storage', folder, '--catalog', 'glue:x'],
    1,
    /no catalog driver for "glue:x"/,
  ],
  [
    'a password in a URL',
    ['collect', game, '--data', fresh('d'), '--log', `kafka://me:${SECRET}@h:9092/t`],
    2,
    /--log: expected a URL without secrets, found a password before the @\. .*in the environment/,
  ],
  [
    'a secret among the options of a URL',
    ['tables', '--data', fresh('e'), '--storage', `s3://b/p?secret-access-key=${SECRET}`],
    2,
    /--storage: expected a URL without secrets, found a secret under "secret-access-key"/,
  ],
  [
    'a secret in a URL of the environment',
    ['tables', '--data', fresh('f')],
    2,
    /LANDFALL_CATALOG: expected a URL without secrets/,
    { LANDFALL_CATALOG: `https://c/?token=${SECRET}` },
  ],
  [
    'Spark with the catalog in the tables’ own files',
    ['land', game, '--once', '--data', fresh('g'), '--lander', 'sc://127.0.0.1:1'],
    1,
    /the lander sc:\/\/127\.0\.0\.1:1 cannot commit to the catalog in the tables' own files\. .*--catalog/,
  ],
  [
    'a data directory that belongs to other storage',
    ['land', game, '--once', '--data', bound],
    1,
    /works with the storage in s3:\/\/lake\/game, and was started with the data directory itself\. Give --storage 's3:\/\/lake\/game'/,
  ],
  [
    'a Trino that is not there',
    ['sql', 'select 1 from t', '--sql', 'trino://127.0.0.1:1/lake/default'],
    1,
    /no SQL server answers at http:\/\/127\.0\.0\.1:1/,
  ],
  [
    'tables of a Presto that is not there',
    ['tables', '--sql', 'presto://127.0.0.1:1/lake/default'],
    1,
    /no SQL server answers at http:\/\/127\.0\.0\.1:1/,
  ],
  [
    'tables of an address where a server of others is expected',
    ['describe', 'events', '--sql', '127.0.0.1:8080'],
    2,
    /--sql: expected trino:\/\/… or presto:\/\/…/,
  ],
  [
    'a Trino with a password in the URL',
    ['sql', 'select 1', '--sql', `trino://me:${SECRET}@h/lake`],
    1,
    /LANDFALL_SQL_PASSWORD/,
  ],
  [
    'a Trino with an unknown option',
    ['sql', 'select 1', '--sql', 'trino://h/lake?ssl=true'],
    1,
    /no option "ssl"\. It has tls and ca/,
  ],
  [
    'a password that would travel in the open',
    ['sql', 'select 1', '--sql', 'presto://127.0.0.1:1/lake'],
    1,
    /a password would travel unencrypted.*\?tls=true/,
    { LANDFALL_SQL_PASSWORD: SECRET },
  ],
  [
    'a certificate that is not there',
    ['sql', 'select 1', '--sql', `trino://127.0.0.1:1/lake?tls=true&ca=${fresh('none.pem')}`],
    1,
    /none\.pem cannot be used/,
  ],
  [
    'a broker that is not there',
    ['watch', '-e', '--data', fresh('h'), '--log', 'kafka://127.0.0.1:1/t'],
    1,
    /no Kafka answers at 127\.0\.0\.1:1: .*Check that the broker runs/,
  ],
  [
    'a catalog that is not there',
    ['tables', '--data', fresh('i'), '--storage', folder, '--catalog', 'thrift://127.0.0.1:1'],
    1,
    /the catalog thrift:\/\/127\.0\.0\.1:1 does not answer.*--catalog/,
  ],
  [
    'a metastore behind Kerberos',
    ['tables', '--data', fresh('j'), '--storage', folder, '--catalog', 'thrift://h?principal=hive/_HOST'],
    1,
    /it asks for Kerberos \(principal\), which Landfall does not speak/,
  ],
  [
    'an object store without credentials',
    ['tables', '--data', fresh('k'), '--storage', 's3://bucket/p?endpoint=http://127.0.0.1:1'],
    1,
    /no credentials for the object store\. Set AWS_ACCESS_KEY_ID/,
    NO_KEYS,
  ],
  [
    'Kafka without its client library',
    ['watch', '-e', '--data', fresh('l'), '--log', 'kafka://127.0.0.1:1/t'],
    1,
    /the package @platformatic\/kafka is not installed\. npm install @platformatic\/kafka@\d/,
    WITHOUT_LIBRARIES,
  ],
  [
    'S3 without its client library',
    ['tables', '--data', fresh('m'), '--storage', 's3://bucket/p?endpoint=http://127.0.0.1:1'],
    1,
    /s3:\/\/ needs the package aws4fetch, which is not installed\. npm install aws4fetch/,
    { ...WITHOUT_LIBRARIES, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: SECRET },
  ],
]

test.each(cases)('%s: one clear line', async (_what, args, code, message, environment = {}) => {
  const ended = await landfall(args, { env: environment })
  expect(ended.stderr).toMatch(message)
  expect(ended.stderr).not.toMatch(/\n\s+at /)
  expect(ended.stderr.trim().split('\n'), ended.stderr).toHaveLength(1)
  expect(ended.stderr).toMatch(/^landfall: /)
  expect(ended.stderr + ended.stdout).not.toContain(SECRET)
  expect(ended.code).toBe(code)
  expect(ended.stdout).toBe('')
})
