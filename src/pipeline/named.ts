/** Views and reference files of a pipeline, on their way from the pipeline file to whoever answers questions. */
import { dirname, join, resolve } from 'node:path'
import { LandfallError } from '../base/errors.ts'
import { makeDirectory, readIfPresent, replaceFile } from '../base/files.ts'
import { openSealed, sealJson } from '../base/sealed-json.ts'
import type { CompiledPipeline, ReferenceDefinition, ViewDefinition } from '../model/pipeline.ts'
import { dataPaths } from './paths.ts'

export interface Named {
  views: ViewDefinition[]
  /** With absolute paths. */
  reference: ReferenceDefinition[]
}

/** `pipelineFile`: files of the pipeline are beside it. */
export function namedOf({ views, reference }: CompiledPipeline, pipelineFile: string): Named {
  const folder = dirname(resolve(pipelineFile))
  return { views, reference: reference.map((one) => ({ ...one, file: join(folder, one.file) })) }
}

/** For questions over the data directory alone, without the pipeline file. */
export async function keepNamed(data: string, named: Named): Promise<void> {
  const { lander, named: path } = dataPaths(data)
  await makeDirectory(lander)
  await replaceFile(path, sealJson(`${JSON.stringify({ version: 1, ...named }, null, 2)}\n`))
}

/** What was kept last; nothing when nothing was. */
export async function keptNamed(data: string): Promise<Named> {
  const path = dataPaths(data).named
  const bytes = await readIfPresent(path)
  if (bytes === undefined) return { views: [], reference: [] }
  try {
    const { views, reference } = openSealed(bytes) as unknown as Named
    return { views, reference }
  } catch (error) {
    throw new LandfallError(
      'bad-data',
      'landfall/named-damaged',
      `reading ${path}: ${(error as Error).message}`,
      {
        hint: 'Start the lander once ("landfall up" or "landfall land"): it writes the file anew from the pipeline file',
        cause: error,
      },
    )
  }
}

/** Throws `model/name-clash` when a table of that name is there already, from a pipeline of before. */
export function refuseTaken({ views, reference }: Named, tables: readonly string[]): void {
  const places = [
    ...views.map(({ name }) => ['views', name]),
    ...reference.map(({ name }) => ['reference', name]),
  ]
  for (const [place, name] of places) {
    if (!tables.includes(name!)) continue
    const message = `${place}.${name}: there is a table of that name already, which an earlier pipeline filled`
    throw new LandfallError('fix-config', 'model/name-clash', message, { hint: 'Choose another name' })
  }
}
