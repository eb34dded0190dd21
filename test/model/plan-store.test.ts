import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from 'typebox'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { loadPlan, planDirectory, savePlan } from '../../src/model/plan-store.ts'

const { plan } = definePipeline({
  name: 'p',
  events: { e: Type.Object({ n: Type.Integer({ minimum: 1 }) }) },
  tables: {},
}).compiled
let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'landfall-plans-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('a kept plan comes back as it was; keeping it again does nothing', async () => {
  const directory = join(root, 'deep', 'plans')
  const files = planDirectory(directory)
  await savePlan(files, plan)
  await Promise.all([savePlan(files, plan), savePlan(files, plan)])
  expect(await loadPlan(files, plan.version)).toEqual(plan)
  expect(await readdir(directory)).toEqual([`${plan.version}.json`])
})

test('an unknown version is undefined, and none leads out of the directory', async () => {
  await writeFile(join(root, 'secret.json'), JSON.stringify(plan))
  expect(await loadPlan(planDirectory(join(root, 'plans')), '0123456789abcdef')).toBeUndefined()
  expect(await loadPlan(planDirectory(join(root, 'plans')), '../secret')).toBeUndefined()
})

test('a changed or torn file is reported, not used', async () => {
  await savePlan(planDirectory(root), plan)
  const path = join(root, `${plan.version}.json`)
  const nameless = JSON.stringify(plan).replace('"events"', '"eventr"')
  const harmed = [JSON.stringify({ ...plan, events: {} }), nameless, '{"version":', '{}', 'null', '']
  for (const text of harmed) {
    await writeFile(path, text)
    await expect(loadPlan(planDirectory(root), plan.version)).rejects.toMatchObject({
      kind: 'bad-data',
      code: 'model/plan-damaged',
    })
  }
})
