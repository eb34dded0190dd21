import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { landfall } from '../cli/run-cli.ts'
import { projectRoot, startLandfall, temporaryFolder } from '../support/landfall.ts'
import { findPython } from '../support/python.ts'

const PIPELINE = 'examples/game-simple/pipeline.ts'
const EVENTS = 3000

test('whatever snapshot a foreign reader meets while events land and files are compacted, it is whole: its events are its ledger’s', async ({
  skip,
}) => {
  const python = await findPython()
  if ('missing' in python) return skip(python.missing)
  const data = temporaryFolder()
  const running = await startLandfall(PIPELINE, {
    data,
    args: ['--lander-batch-age', '100ms', '--lander-idle', '50ms'],
  })
  try {
    const following = python.run('follow_catalog.py', [`${running.sql}/iceberg`, String(EVENTS)])
    const load = ['--events', String(EVENTS), '--rate', '400', '--http', running.http]
    const [sent, followed] = await Promise.all([
      landfall(['simulate', PIPELINE, ...load], { cwd: projectRoot }),
      following,
    ])
    expect({ code: sent.code, stderr: sent.stderr }).toMatchObject({ code: 0 })
    expect((JSON.parse(followed) as { snapshots: number }).snapshots).toBeGreaterThan(3)
    expect(await running.query('select count(*) as n from events')).toEqual([{ n: EVENTS }])
  } finally {
    await running.stop()
    rmSync(data, { recursive: true, force: true })
  }
}, 120_000)
