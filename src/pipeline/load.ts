import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { systemCode } from '../base/errors.ts'
import type { Repair } from '../model/define-repair.ts'
import type { Pipeline } from '../model/definition.ts'
import { loadPipelineFile, loadRepairFile } from '../model/load-pipeline.ts'

let registered = false

/**
 * Imports a pipeline file. `import … from 'landfall'` in it finds this very package where none is installed beside the file, so a
 * pipeline runs in an empty folder.
 */
export async function loadPipeline(path: string): Promise<Pipeline> {
  findOurselves()
  return loadPipelineFile(resolve(path))
}

/** Imports a file of `defineRepair`, in the same way. */
export async function loadRepair(path: string): Promise<Repair> {
  findOurselves()
  return loadRepairFile(resolve(path))
}

function findOurselves(): void {
  if (!registered) registerHooks({ resolve: resolveOurselves })
  registered = true
}

const resolveOurselves: NonNullable<Parameters<typeof registerHooks>[0]['resolve']> = (
  specifier,
  context,
  next,
) => {
  try {
    return next(specifier, context)
  } catch (error) {
    const ours = specifier === 'landfall' || specifier.startsWith('landfall/')
    if (!ours || systemCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    // A package may import itself by its name, and this module is part of it.
    return next(specifier, { ...context, parentURL: import.meta.url })
  }
}
