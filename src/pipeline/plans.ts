import { isLandfallError } from '../base/errors.ts'
import { type PlanFiles, planDirectory } from '../model/plan-store.ts'
import type { Storage } from '../storage/storage.ts'
import { isOwn, type Places } from './places.ts'

/**
 * Where plans are kept: in storage when one was named, since collectors and landers of other machines look there; otherwise in
 * the data directory.
 */
export function openPlans(places: Places, storage: Storage): PlanFiles {
  return isOwn(places, 'storage') ? planDirectory(places.paths.plans) : storedPlans(storage)
}

function storedPlans(storage: Storage): PlanFiles {
  return {
    url: `${storage.url}/plans`,
    async create(name, text) {
      await storage.createExclusive(`plans/${name}`, text)
    },
    async read(name) {
      try {
        return await storage.read(`plans/${name}`)
      } catch (error) {
        if (isLandfallError(error, 'storage/not-found')) return undefined
        throw error
      }
    },
  }
}
