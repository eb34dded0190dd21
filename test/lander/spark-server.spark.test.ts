import { expect, test } from 'vitest'
import { connectSpark } from '../../src/lander/drivers/spark/connect/client.ts'
import { openSession } from '../../src/lander/drivers/spark/server.ts'
import type { Engine } from '../../src/stack/engine.ts'
import { type SparkState, spark } from '../../src/stack/engines/spark.ts'
import { startPrivateEngine } from '../engines/shared-engine.ts'

/** Spark as the wheel has it, without the jars that landing needs, and behind a token. */
const bare: Engine<SparkState> = {
  ...spark,
  async provide(cache) {
    const recipe = await spark.provide(cache)
    return {
      async prepare(place) {
        const prepared = await recipe.prepare(place)
        const processes = prepared.processes.map((one) => ({ ...one, command: withoutJars(one.command) }))
        return { ...prepared, processes }
      },
      async isReady(state) {
        const client = await connectSpark({ ...state, token: 'secret' })
        const version = await client.version()
        await client.close()
        return version !== ''
      },
    }
  },
}

function withoutJars(command: readonly string[]): string[] {
  const at = command.indexOf('-cp') + 1
  const own = command[at]!.split(':').at(-1)!
  return [
    command[0]!,
    '-Dspark.connect.authenticate.token=secret',
    ...command.slice(1, at),
    own,
    ...command.slice(at + 1),
  ].filter((argument) => !argument.startsWith('-Dspark.sql.extensions='))
}

test('a server that lacks jars, or wants another token, is told in one line', { timeout: 300_000 }, async ({
  skip,
}) => {
  const server = await startPrivateEngine(bare)
  if ('missing' in server) return skip(server.missing)
  await using _ = server
  const catalog = { name: 'landfall', properties: { type: 'rest', uri: 'http://127.0.0.1:1' } }
  const failureOf = (token: string | undefined) =>
    openSession({ ...server.state, ...(token ? { token } : {}) }, catalog).then(
      () => undefined,
      (error: unknown) => error,
    )
  expect(await failureOf(undefined)).toMatchObject({ code: 'lander/spark-denied', kind: 'fix-config' })
  expect(await failureOf('guessed')).toMatchObject({
    code: 'lander/spark-denied',
    hint: expect.stringContaining('LANDFALL_SPARK_TOKEN') as string,
  })
  const lacking = await failureOf('secret')
  expect(lacking).toMatchObject({
    message: expect.stringContaining('has not'),
    code: 'lander/spark-jar',
    kind: 'fix-config',
  })
  expect((lacking as Error).message).toMatch(/spark-sql-kafka-0-10.*iceberg-spark-runtime-4\.1/)
})
