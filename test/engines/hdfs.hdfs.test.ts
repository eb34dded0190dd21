import { expect, test } from 'vitest'
import { hdfs, isHdfsReady } from '../../src/stack/engines/hdfs.ts'
import { shareEngine, startPrivateEngine } from './shared-engine.ts'

test('HDFS runs, and is found again', async ({ skip }) => {
  const state = await shareEngine(hdfs)
  if ('missing' in state) return skip(state.missing)
  expect(await isHdfsReady(state)).toBe(true)
  expect(await shareEngine(hdfs)).toEqual(state)
})

test('a DataNode is stopped and started alone', async ({ skip }) => {
  const engine = await startPrivateEngine(hdfs)
  if ('missing' in engine) return skip(engine.missing)
  await using _ = engine
  await engine.kill('SIGKILL', 'datanode')
  while (await isHdfsReady(engine.state)) await new Promise((resolve) => setTimeout(resolve, 200))
  await engine.restart()
  expect(await isHdfsReady(engine.state)).toBe(true)
})
