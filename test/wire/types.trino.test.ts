/** Every type of the protocol against a real Trino: its name, its signature and its values, for clients that know precision and for older ones. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findTrino } from '../engines/trino.ts'
import { type GameDoor, openGameDoor } from './support/game-door.ts'

const trino = await findTrino()
let door: GameDoor

beforeAll(async () => {
  if ('missing' in trino) return
  door = await openGameDoor()
}, 120_000)
afterAll(() => door?.[Symbol.asyncDispose]())

const EXPRESSIONS = [
  'true',
  "TINYINT '-7'",
  "SMALLINT '7'",
  '42',
  '9007199254740993',
  "REAL '1.5'",
  '1.5e0',
  'nan()',
  '-infinity()',
  '1.10',
  "DECIMAL '12345678901234567890.123456789'",
  "CAST('ü😀' AS varchar)",
  "CAST('abc' AS varchar(25))",
  "CAST('a' AS char(3))",
  "X'00ff'",
  "DATE '2026-01-01'",
  "TIME '01:02:03'",
  "TIME '01:02:03.123456'",
  "TIMESTAMP '2026-01-01 00:00:00'",
  "TIMESTAMP '2026-01-01 00:00:00.123456'",
  "TIMESTAMP '2026-01-01 00:00:00 UTC'",
  "TIMESTAMP '2026-01-01 00:00:00.123 Europe/Rome'",
  "INTERVAL '1' DAY",
  "INTERVAL '-3' MONTH",
  'ARRAY[1, NULL, 3]',
  'ARRAY[1.5e0, nan()]',
  "MAP(ARRAY[CAST('k' AS varchar)], ARRAY[1])",
  'MAP(ARRAY[1, 2], ARRAY[true, NULL])',
  'CAST(ROW(1, 2.5e0) AS ROW(a integer, b double))',
  "ARRAY[CAST(ROW(1, 'x') AS ROW(a bigint, b varchar))]",
  "ARRAY[TIMESTAMP '2026-01-01 00:00:00.123456']",
  'JSON \'{"a":1}\'',
  "UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'",
  'NULL',
]

/** Where Trino and we differ on purpose, and why. */
const DIFFERENT: Record<string, string> = {}

interface Column {
  name: string
  type: string
  typeSignature: unknown
}

async function see(url: string, expression: string, capabilities: string) {
  const headers = {
    'X-Trino-User': 'ada',
    'X-Trino-Time-Zone': 'UTC',
    'X-Trino-Client-Capabilities': capabilities,
  }
  const sql = `SELECT ${expression} AS x`
  let response = await fetch(`${url}/v1/statement`, { method: 'POST', headers, body: sql })
  let columns: Column[] = []
  let data = ''
  for (;;) {
    const text = await response.text()
    const page = JSON.parse(text) as { columns?: Column[]; nextUri?: string; error?: { message: string } }
    if (page.error) return { error: page.error.message }
    columns = page.columns ?? columns
    data ||= /"data":(\[\[.*?\]\])(?=,"|\})/s.exec(text)?.[1] ?? ''
    if (!page.nextUri) break
    response = await fetch(page.nextUri, { headers })
  }
  return { columns, data }
}

for (const expression of EXPRESSIONS) {
  test(expression, { timeout: 60_000 }, async ({ skip }) => {
    if ('missing' in trino) return skip(trino.missing)
    for (const capabilities of ['PATH,PARAMETRIC_DATETIME', '']) {
      const theirs = await see(trino.url, expression, capabilities)
      const ours = await see(door.url, expression, capabilities)
      expect(theirs).not.toHaveProperty('error')
      if (expression in DIFFERENT) expect(ours, DIFFERENT[expression]).not.toEqual(theirs)
      else expect(ours).toEqual(theirs)
    }
  })
}
