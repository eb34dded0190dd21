/** ENOSPC for seconds under the real `landfall up`; the long profile keeps the disk full for minutes. */
import { expect, test } from 'vitest'
import { ownMounts, runDiskFull } from './disk-full.ts'

const flags = ownMounts()

test('a full disk: the door answers 503, and all goes on without a restart when there is room again', async ({
  skip,
}) => {
  if (flags === undefined) return skip('unshare and mount are not allowed here')
  const report = await runDiskFull(flags, 1500)
  expect(report.answered).toBeGreaterThan(200)
  expect(report).toMatchObject({ statuses: [503], restarted: false, lost: 0, doubled: 0, closes: true })
}, 900_000)
