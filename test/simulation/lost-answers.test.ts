import './processes.ts'
import { expect, test } from 'vitest'
import { createRandom } from '../../src/simulate/random.ts'
import { SimProcess } from './processes.ts'
import { Clients } from './requests.ts'
import { settle } from './run-seed.ts'
import { World } from './world.ts'

// Over the catalog in files; remote catalogs have their lossy proxies (test/catalog/faults.long.engines.test.ts).

test('a commit that happens and is answered by an error happens once, whichever it is', {
  timeout: 900_000,
}, async () => {
  let commits = 0
  for (let isMet = true; isMet; commits++) {
    await using world = new World(`lost-${commits}`)
    const clients = new Clients(world)
    for (const seed of [1, 2, 3]) await clients.sendBatch(createRandom(seed))
    const lander = new SimProcess()
    // The exclusive creation of a version of a table's metadata.
    lander.arm(commits, { lost: 'EIO' }, 1, ['link'])
    await world.land(createRandom(1), lander)
    isMet = lander.wasHurt
    await settle(world, clients)
  }
  // Of each table its creation, its epoch and a batch.
  expect(commits).toBeGreaterThan(10)
})
