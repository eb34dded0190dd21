import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ab, abMissing } from '../support/ab.ts'
import { type Running, startLandfall } from '../support/landfall.ts'

let landfall: Running

beforeAll(async () => {
  landfall = await startLandfall('examples/bank/pipeline.ts')
})

afterAll(async () => {
  await landfall.stop()
  rmSync(landfall.data, { recursive: true, force: true })
})

async function post(path: string, body: unknown, account: string) {
  // The Host header names the account, as ab -H does; fetch does not let us set it.
  const { request } = await import('node:http')
  const url = new URL(path, landfall.http)
  const text = JSON.stringify(body)
  return new Promise<{ status: number; json: Record<string, unknown> }>((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        headers: {
          Host: account,
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(text),
        },
      },
      (response) => {
        let answer = ''
        response.on('data', (chunk) => void (answer += chunk))
        response.on('end', () => resolve({ status: response.statusCode!, json: JSON.parse(answer) }))
      },
    )
    sent.on('error', reject)
    sent.end(text)
  })
}

test('no overdraft under 64 concurrent clients: of 64 withdrawals of 3 from 100, 33 succeed', async () => {
  const account = 'user1.comcast.com'
  expect((await post('/deposit', { amount: '100.00' }, account)).status).toBe(200)
  const answers = await Promise.all(
    Array.from({ length: 64 }, () => post('/withdraw', { amount: '3.00' }, account)),
  )
  const paid = answers.filter(({ status }) => status === 200)
  expect(paid).toHaveLength(33)
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(31)
  expect(new Set(paid.map(({ json }) => json.balance)).size).toBe(33)
  const rows = await landfall.query(
    `select cast(balance as varchar) as balance from cash_transactions where host = '${account}' order by cash_transactions.balance`,
  )
  expect(rows).toHaveLength(34)
  expect(rows[0]).toEqual({ balance: '1.00' })
})

test('amounts are exact and typed', async () => {
  const account = 'user2.att.com'
  await post('/deposit', { amount: '0.10' }, account)
  await post('/deposit', { amount: '0.20' }, account)
  expect((await post('/account_status', {}, account)).json).toMatchObject({ balance: '0.30' })
  const rows = await landfall.query(
    `select cast(sum(amount) as varchar) as total, min(typeof(amount)) as type from cash_transactions where host = '${account}'`,
  )
  expect(String(rows[0]!.total)).toBe('0.30')
  expect(String(rows[0]!.type).toLowerCase()).toContain('decimal')
})

test('buying and selling keeps money and holdings together', async () => {
  const account = 'user3.att.com'
  await post('/deposit', { amount: '1000.00' }, account)
  expect((await post('/buy', { asset: 'oil', quantity: 10 }, account)).json).toMatchObject({
    balance: '260.50',
    holding: 10,
  })
  expect((await post('/buy', { asset: 'gold', quantity: 1 }, account)).status).toBe(409)
  expect((await post('/sell', { asset: 'oil', quantity: 11 }, account)).status).toBe(409)
  expect((await post('/sell', { asset: 'oil', quantity: 10 }, account)).json).toMatchObject({
    balance: '1000.00',
    holding: 0,
  })
})

test('bad bodies get a clear 400 and leave nothing', async () => {
  const account = 'user4.att.com'
  for (const body of [
    {},
    { amount: 5 },
    { amount: '1.005' },
    { amount: '-1.00' },
    { amount: '0.00' },
    { amount: '1', more: 1 },
  ]) {
    const { status } = await post('/deposit', body, account)
    expect({ body, status }).toEqual({ body, status: 400 })
  }
  const rows = await landfall.query(`select count(*) as n from events where raw_event like '%${account}%'`)
  expect(rows).toEqual([{ n: 0 }])
})

test('return_price as ab asked for it', async (context) => {
  const missing = abMissing()
  if (missing) return context.skip(missing)
  await ab(10, 'user1.comcast.com', `${landfall.http}/return_price`, ['-T', 'application/json'])
  expect(await landfall.query('select count(*) as n from asset_prices')).toEqual([{ n: 10 }])
  const describe = async (table: string) =>
    (await landfall.query(`describe ${table}`)).map((row) => Object.values(row).slice(0, 2).join(' '))
  const head = [
    'raw_event varchar',
    'timestamp timestamp(6) with time zone',
    'Accept varchar',
    'Host varchar',
    'User_Agent varchar',
    'event_type varchar',
    'description varchar',
  ]
  const bodyHead = [
    ...head,
    'Content_Length integer',
    'Accept_Encoding varchar',
    'Connection varchar',
    'Content_Type varchar',
  ]
  expect((await describe('asset_prices')).slice(0, 7)).toEqual(head)
  for (const table of ['account_status', 'asset_transactions', 'cash_transactions'])
    expect((await describe(table)).slice(0, 11)).toEqual(bodyHead)
})
