import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { connectSpark, type SparkConnect } from '../../src/lander/drivers/spark/connect/client.ts'
import { sqlOver } from '../../src/lander/drivers/spark/connect/relation.ts'
import { tableOf } from '../../src/lander/drivers/spark/connect/rows.ts'
import { findSparkConnect } from '../engines/spark-connect.ts'

const server = await findSparkConnect()

async function open(place = server): Promise<SparkConnect> {
  if ('missing' in place) throw new Error(place.missing)
  return connectSpark(place)
}

test('a statement gives rows with their exact values', async ({ skip }) => {
  if ('missing' in server) return skip(server.missing)
  const spark = await open()
  expect(await spark.version()).toMatch(/^4\.1\./)
  const rows = await spark.query(
    "SELECT 7 AS n, 9007199254740993 AS big, CAST(5 AS BIGINT) AS small, 'ü' AS text, NULL AS nothing",
  )
  expect(rows).toEqual([{ n: 7, big: 9007199254740993n, small: 5, text: 'ü', nothing: null }])
  expect(await spark.query('SELECT id FROM range(3) ORDER BY id')).toEqual([{ id: 0 }, { id: 1 }, { id: 2 }])
  expect(await spark.query('SELECT 1 AS one WHERE false')).toEqual([])
  await spark.close()
})

test('settings, views and relations that are sent belong to the session', async ({ skip }) => {
  if ('missing' in server) return skip(server.missing)
  const spark = await open()
  await spark.configure({ 'spark.sql.session.timeZone': 'Asia/Tokyo' })
  expect(await spark.setting('spark.sql.session.timeZone')).toBe('Asia/Tokyo')
  expect(await spark.setting('landfall.not.set')).toBeUndefined()
  const data = tableOf({ a: ['int', [1, 2]], b: ['long', [3, 2 ** 40]], c: ['string', ['x', null]] })
  await spark.view('sent', { local_relation: { data } })
  const rows = [
    { a: 1, b: 3, c: 'x' },
    { a: 2, b: 2 ** 40, c: null },
  ]
  expect(await spark.query('SELECT * FROM sent ORDER BY a')).toEqual(rows)
  expect(
    await spark.collect(
      sqlOver({ mine: { local_relation: { data } } }, ({ mine }) => `SELECT a FROM ${mine} WHERE a > 1`),
    ),
  ).toEqual([{ a: 2 }])
  const other = await open()
  await expect(other.query('SELECT * FROM sent')).rejects.toMatchObject({ code: 'lander/spark-failed' })
  await Promise.all([spark.close(), other.close()])
})

test('an error is one line with its class', async ({ skip }) => {
  if ('missing' in server) return skip(server.missing)
  const spark = await open()
  const failure = await spark.query('SELECT nope FROM range(1)').catch((error: unknown) => error)
  expect(failure).toMatchObject({
    code: 'lander/spark-failed',
    details: { errorClass: 'UNRESOLVED_COLUMN.WITH_SUGGESTION' },
  })
  expect(String((failure as Error).message)).not.toContain('\n')
  await spark.close()
})

test('a server that is not there, or speaks something else, is told apart', async ({ skip }) => {
  if ('missing' in server) return skip(server.missing)
  const nobody = await connectSpark({ host: '127.0.0.1', port: 1 })
  await expect(nobody.version()).rejects.toMatchObject({ code: 'lander/spark-unreachable', kind: 'retry' })
  await nobody.close({ keep: true })
})

test('an operation goes on when its connection breaks', async ({ skip }) => {
  if ('missing' in server) return skip(server.missing)
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const upstream = connectTcp({ host: server.host, port: server.port })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => (client.destroy(), upstream.destroy()))
    }
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const spark = await connectSpark({ host: '127.0.0.1', port: (proxy.address() as { port: number }).port })
  await spark.version()
  // Each row takes about 200 ms.
  const slow = spark.query(
    "SELECT id, java_method('java.lang.Thread', 'sleep', 200L) AS s FROM range(0, 10, 1, 1)",
  )
  const cut = setInterval(() => sockets.forEach((socket) => socket.destroy()), 400)
  setTimeout(() => clearInterval(cut), 1300)
  const rows = await slow.catch((error: unknown) => error)
  clearInterval(cut)
  expect(rows).toHaveLength(10)
  await spark.close()
  proxy.close()
})

test('what runs is interrupted', async ({ skip }) => {
  if ('missing' in server) return skip(server.missing)
  const spark = await open()
  const endless = spark.query('SELECT count(*) FROM range(1e12) a JOIN range(1e6) b ON a.id % 7 = b.id % 11')
  const outcome = endless.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await spark.interrupt()
  expect(await outcome).toMatch(/^lander\/spark-/)
  await spark.close()
})
