/**
 * Apache Superset at the SQL door, a recorded run: `node_modules/.bin/node test/recorded/superset.ts` writes `docs/recorded/superset.md`.
 *
 * It installs Superset from PyPI below `.cache/superset` (about 1 GB, minutes), so it is a command of its own and no test. Superset gets
 * a fresh metadata database, the seeds' game behind the door, and is asked through its own API what a person asks by hand: connect,
 * list schemas, tables and columns, run a query in SQL Lab, make a dataset and draw a chart from it.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../engines/shared-engine.ts'
import { projectRoot, temporaryFolder, until } from '../support/landfall.ts'
import { type GameDoor, openGameDoor, QUESTIONS, texts } from '../wire/support/game-door.ts'

/** Superset does not name all that it stands on: with the newest Flask-Caching, or without the last two, it does not start. */
const PACKAGES = [
  'apache-superset==6.1.0',
  'trino==0.340.0',
  'Flask-Caching==2.3.1',
  'rich==15.0.0',
  'cachetools==8.0.1',
]
const PAGE = join(projectRoot, 'docs/recorded/superset.md')
const START_MAX_MS = 180_000

type Json = Record<string, unknown>

const lines: string[] = []
const home = temporaryFolder()
const port = await freePort()
const programs = install()
const env = {
  ...process.env,
  SUPERSET_CONFIG_PATH: join(home, 'superset_config.py'),
  SUPERSET_HOME: home,
  FLASK_APP: 'superset',
}
async function record(door: GameDoor, superset: Superset): Promise<void> {
  const uri = `trino://ada@${door.host}:${door.port}/hive/default`
  const database = { database_name: 'landfall', sqlalchemy_uri: uri }
  await superset.post('database/test_connection/', database)
  const { id } = await superset.post('database/', { ...database, expose_in_sqllab: true })
  say('Connect', ['`trino://USER@HOST:PORT/hive/default`: the connection is tested and saved.'])

  const { result: schemas } = await superset.get(`database/${id}/schemas/`)
  assert((schemas as string[]).includes('default'))
  say('Schemas', [(schemas as string[]).join(', ')])

  const found = await superset.get(`database/${id}/tables/?q=(schema_name:default)`)
  const tables = (found['result'] as { value: string; type: string }[]).map(
    ({ value, type }) => `${value} (${type})`,
  )
  assert(tables.some((table) => table.startsWith('purchases ')))
  say('Tables of `default`', [tables.join(', ')])

  const { columns } = await superset.get(`database/${id}/table_metadata/?name=purchases&schema=default`)
  const described = (columns as { name: string; type: string }[]).map(({ name, type }) => `${name} ${type}`)
  assert(described.includes('cost BIGINT'))
  say('Columns of `purchases`', [described.join(', ')])

  for (const { name, sql, answer } of QUESTIONS) {
    const ran = await superset.post('sqllab/execute/', {
      database_id: id,
      schema: 'default',
      sql,
      runAsync: false,
    })
    const rows = (ran['data'] as Json[]).map((row) => Object.values(row))
    assert.deepEqual(texts(rows), answer, name)
    say(`SQL Lab: ${name}`, ['```sql', sql.trim(), '```', '', ...tableText(ran['data'] as Json[])])
  }

  const dataset = await superset.post('dataset/', {
    database: id,
    schema: 'default',
    table_name: 'purchases',
  })
  const chart = await superset.post('chart/data', {
    datasource: { id: dataset['id'], type: 'table' },
    queries: [
      { columns: ['host'], metrics: [sumOf('cost')], orderby: [[sumOf('cost'), false]], row_limit: 10 },
    ],
    result_format: 'json',
    result_type: 'full',
  })
  const [drawn] = chart['result'] as { query: string; data: Json[] }[]
  const money = QUESTIONS.find(({ name }) => name === 'money_per_player')!.answer
  assert.deepEqual(texts(drawn!.data.map((row) => Object.values(row))), money)
  say('A chart over a dataset', [
    'Superset wrote',
    '',
    '```sql',
    drawn!.query.trim(),
    '```',
    '',
    ...tableText(drawn!.data),
  ])
}

function sumOf(column: string): Json {
  return { expressionType: 'SIMPLE', aggregate: 'SUM', column: { column_name: column }, label: 'money' }
}

/** Superset's own API, as its pages use it. */
class Superset {
  readonly #token: string

  private constructor(token: string) {
    this.#token = token
  }

  static async login(): Promise<Superset> {
    const { access_token } = await send('POST', 'security/login', {
      username: 'admin',
      password: 'admin',
      provider: 'db',
    })
    return new Superset(String(access_token))
  }

  get(path: string): Promise<Json> {
    return send('GET', path, undefined, this.#token)
  }

  post(path: string, body: Json): Promise<Json> {
    return send('POST', path, body, this.#token)
  }
}

async function send(method: string, path: string, body?: Json, token?: string): Promise<Json> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok)
    throw new Error(`Superset: ${method} ${path} answered ${response.status} ${text.slice(0, 2000)}`)
  return JSON.parse(text) as Json
}

/** Installs what is missing; the folder of its programs. */
function install(): string {
  const venv = join(projectRoot, '.cache/superset')
  const bin = join(venv, 'bin')
  if (existsSync(join(bin, 'superset'))) return bin
  execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' })
  execFileSync(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...PACKAGES], {
    stdio: 'inherit',
  })
  return bin
}

/** A fresh Superset with one user. */
function prepare(): void {
  const config = [
    `SECRET_KEY = "${crypto.randomUUID()}"`,
    `SQLALCHEMY_DATABASE_URI = "sqlite:///${home}/superset.db?check_same_thread=false"`,
    'WTF_CSRF_ENABLED = False',
    'TALISMAN_ENABLED = False',
  ]
  writeFileSync(join(home, 'superset_config.py'), `${config.join('\n')}\n`)
  const run = (...args: string[]) => execFileSync(join(programs, 'superset'), args, { env, stdio: 'ignore' })
  run('db', 'upgrade')
  const user = [
    '--username',
    'admin',
    '--password',
    'admin',
    '--firstname',
    'A',
    '--lastname',
    'B',
    '--email',
    'a@example.org',
  ]
  run('fab', 'create-admin', ...user)
  run('init')
}

function say(title: string, text: string[]): void {
  lines.push(`## ${title}`, '', ...text, '')
}

function tableText(rows: Json[]): string[] {
  const names = Object.keys(rows[0] ?? {})
  const line = (values: unknown[]) => `| ${values.map(String).join(' | ')} |`
  return [line(names), line(names.map(() => '---')), ...rows.map((row) => line(Object.values(row)))]
}

function pageText(): string {
  const [superset, trino] = PACKAGES.map((name) => name.replace('==', ' '))
  const head = [
    '# Apache Superset at the SQL door',
    '',
    `A recorded run of ${superset} (with ${trino}) over the seeds' game after 52 rounds of its load, written by \`test/recorded/superset.ts\`.`,
    'Every answer below was compared with the known one before it was written down.',
    '',
  ]
  return `${[...head, ...lines].join('\n').trimEnd()}\n`
}

async function main(): Promise<void> {
  await using door = await openGameDoor()
  prepare()
  const server = spawn(join(programs, 'superset'), ['run', '-p', String(port)], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  try {
    await until(
      'Superset to serve',
      () =>
        fetch(`http://127.0.0.1:${port}/health`).then(
          (r) => r.ok,
          () => false,
        ),
      START_MAX_MS,
    )
    await record(door, await Superset.login())
    mkdirSync(join(projectRoot, 'docs/recorded'), { recursive: true })
    writeFileSync(PAGE, pageText())
  } finally {
    server.kill('SIGKILL')
    rmSync(home, { recursive: true, force: true })
  }
}

await main()
