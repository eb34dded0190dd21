import { expect, test } from 'vitest'
import { hive, hive3 } from '../../src/stack/engines/hive.ts'
import { icebergRest } from '../../src/stack/engines/iceberg-rest.ts'
import { startPrivateEngine } from './shared-engine.ts'

for (const engine of [hive, hive3, icebergRest]) {
  test(`${engine.title} starts, dies and starts again on its data`, { timeout: 240_000 }, async ({
    skip,
  }) => {
    const started = await startPrivateEngine<object>(engine)
    if ('missing' in started) return skip(started.missing)
    await using own = started
    await own.kill()
    await own.restart()
    expect(own.state).toEqual({ url: expect.stringMatching(/^(http|thrift):\/\/127\.0\.0\.1:\d+$/) })
  })
}
