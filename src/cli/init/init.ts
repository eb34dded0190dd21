import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LandfallError } from '../../base/errors.ts'
import { makeFolder } from '../../base/files.ts'
import { version } from '../version.ts'
import { packageFile, pipelineFile, tsconfigFile } from './starter.ts'

/** `landfall init [DIR]`: a pipeline that runs as it is. Writes nothing when any of its files exists. */
export async function init(directory: string, { json }: { json: boolean }): Promise<void> {
  const name = packageName(basename(directory))
  const files: [string, string][] = [
    ['pipeline.ts', pipelineFile(name)],
    ['package.json', packageFile(name, ourselves(directory))],
    ['tsconfig.json', tsconfigFile()],
  ]
  const taken = files.map(([file]) => file).filter((file) => existsSync(join(directory, file)))
  if (taken.length > 0) {
    const where = relative(process.cwd(), directory) || 'this folder'
    throw new LandfallError('fix-config', 'init/exists', `${where} already has ${taken.join(', ')}`, {
      hint: 'Name an empty folder, as in: landfall init game',
    })
  }
  makeFolder(directory)
  for (const [file, text] of files) await writeFile(join(directory, file), text, { flag: 'wx' })
  const written = { directory, files: files.map(([file]) => file) }
  process.stdout.write(
    json ? `${JSON.stringify(written, null, 2)}\n` : farewell(relative(process.cwd(), directory)),
  )
}

function farewell(where: string): string {
  const enter = where === '' ? '' : `  cd ${where}\n`
  return (
    `wrote pipeline.ts, package.json and tsconfig.json\n\nnext:\n${enter}` +
    '  npm install                                          (types for your editor; the pipeline runs without)\n' +
    '  npx landfall up pipeline.ts\n' +
    '  curl http://127.0.0.1:5000/purchase_a_sword/sabre    (in another terminal)\n' +
    '  npx landfall sql "select * from purchases"\n'
  )
}

function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
  return name === '' ? 'pipeline' : name
}

/** The dependency on Landfall: the published version, or this folder when it runs from its repository. */
function ourselves(directory: string): string {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  return existsSync(join(root, 'src', 'cli')) ? `file:${relative(directory, root)}` : `^${version()}`
}
