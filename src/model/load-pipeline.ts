/** Imports a pipeline file. Node runs its TypeScript by taking the types away, so it needs no build. */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { LandfallError, systemCode } from '../base/errors.ts'
import { isPipeline } from './define-pipeline.ts'
import { isRepair, type Repair } from './define-repair.ts'
import type { Pipeline } from './definition.ts'

const EXAMPLE = 'Write: export default definePipeline({ … })'
const REPAIR_EXAMPLE = 'Write: export default defineRepair((event, letter) => ({ ...event, … }))'

/**
 * The pipeline that `path` exports by default. Whatever is wrong with the file is a `fix-config` error of one line:
 * `model/pipeline-not-found`, `model/pipeline-syntax`, `model/pipeline-import`, `model/pipeline-threw`,
 * `model/no-pipeline`, or what `definePipeline` itself refused.
 */
export async function loadPipelineFile(path: string): Promise<Pipeline> {
  const file = resolve(path)
  if (!existsSync(file))
    fail(
      'pipeline-not-found',
      `there is no pipeline file ${path}`,
      'Give the path of a pipeline.ts, or make one with landfall init',
    )
  const pipeline = await importDefault(path, file, 'no-pipeline', EXAMPLE)
  if (isPipeline(pipeline)) return pipeline
  fail(
    'no-pipeline',
    `the default export of ${path} is ${kindOf(pipeline)}, not what definePipeline returns`,
    EXAMPLE,
  )
}

/** The repair that `path` exports by default: `model/no-repair`, or the codes of a pipeline file that cannot be imported. */
export async function loadRepairFile(path: string): Promise<Repair> {
  const file = resolve(path)
  if (!existsSync(file)) fail('no-repair', `there is no file ${path}`, REPAIR_EXAMPLE)
  const repair = await importDefault(path, file, 'no-repair', REPAIR_EXAMPLE)
  if (isRepair(repair)) return repair
  fail(
    'no-repair',
    `the default export of ${path} is ${kindOf(repair)}, not what defineRepair returns`,
    REPAIR_EXAMPLE,
  )
}

const MODULE = /\.[cm]?[jt]s$/

async function importDefault(path: string, file: string, absent: string, example: string): Promise<unknown> {
  if (!statSync(file).isFile())
    fail(
      'pipeline-not-found',
      `${path} is not a file`,
      `Give the file, as in ${path.replace(/\/$/, '')}/pipeline.ts`,
    )
  if (!MODULE.test(path))
    fail(absent, `${path} is no module: expected a name that ends in .ts, .mts, .js or .mjs`, example)
  let module: { default?: unknown }
  try {
    module = (await import(pathToFileURL(file).href)) as { default?: unknown }
  } catch (error) {
    throw explain(path, file, error)
  }
  if (!('default' in module)) fail(absent, `${path} has no default export`, example)
  return module.default
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`
}

function fail(code: string, message: string, hint: string, cause?: unknown): never {
  throw new LandfallError('fix-config', `model/${code}`, message, {
    hint,
    ...(cause === undefined ? {} : { cause }),
  })
}

function failure(code: string, message: string, hint: string, cause: unknown): LandfallError {
  return new LandfallError('fix-config', `model/${code}`, message, { hint, cause })
}

function explain(path: string, file: string, error: unknown): unknown {
  if (error instanceof LandfallError) return error
  if (!(error instanceof Error)) {
    return failure(
      'pipeline-threw',
      `${path} threw ${JSON.stringify(error)}`,
      'A pipeline file only declares; mend what it runs',
      error,
    )
  }
  if (error instanceof SyntaxError) return explainSyntax(file, error)
  if (systemCode(error) === 'ERR_MODULE_NOT_FOUND' || systemCode(error) === 'ERR_PACKAGE_PATH_NOT_EXPORTED')
    return explainImport(path, error)
  const frame = /\(?(file:\/\/[^\s)]+):(\d+):(\d+)\)?/.exec(error.stack ?? '')
  const place = frame ? `${shownPath(fileURLToPath(frame[1]!))}:${frame[2]}:${frame[3]}` : path
  return failure(
    'pipeline-threw',
    `${place}: ${error.name}: ${firstLine(error.message)}`,
    'Mend the line that is named',
    error,
  )
}

function explainSyntax(file: string, error: SyntaxError): LandfallError {
  const message = firstLine(error.message)
  if (/import statement outside a module|Unexpected token 'export'/.test(message)) {
    return failure(
      'pipeline-syntax',
      `${shownPath(file)} is read as CommonJS: ${message}`,
      'Put "type": "module" into the package.json beside it, or name it pipeline.mts',
      error,
    )
  }
  const place = locate(error.stack ?? '') ?? locate(checkSyntax(file)) ?? shownPath(file)
  const hint =
    systemCode(error) === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'
      ? 'Node runs TypeScript by taking the types away; use a union of texts for an enum, plain fields for parameter properties, modules for namespaces'
      : 'Mend the line that is named'
  return failure('pipeline-syntax', `${place}: ${message}`, hint, error)
}

/** Node keeps the place of a JavaScript syntax error to itself, but prints it with --check. */
function checkSyntax(file: string): string {
  return spawnSync(process.execPath, ['--check', file], { encoding: 'utf8', timeout: 10_000 }).stderr ?? ''
}

/** From `/a/pipeline.ts:3`, the source line and carets beneath it: `a/pipeline.ts:3:8`. */
function locate(text: string): string | undefined {
  const lines = text.split('\n')
  const head = lines.findIndex(
    (line) => /^(?:file:\/\/)?\/.*:\d+$/.test(line) || /^[A-Za-z]:\\.*:\d+$/.test(line),
  )
  const match = /^(.*):(\d+)$/.exec(lines[head] ?? '')
  if (!match) return undefined
  const caret = lines.slice(head + 1, head + 5).find((line) => /^\s*\^+\s*$/.test(line))
  const file = match[1]!.startsWith('file://') ? fileURLToPath(match[1]!) : match[1]!
  return `${shownPath(file)}:${match[2]}${caret ? `:${caret.indexOf('^') + 1}` : ''}`
}

function explainImport(path: string, error: Error): LandfallError {
  const message = firstLine(error.message)
  const name = /Cannot find package '([^']+)'/.exec(message)?.[1]
  if (name === undefined)
    return failure(
      'pipeline-import',
      `${path}: ${message}`,
      'Mend the import; a path needs its ending, as in ./prices.ts',
      error,
    )
  return failure(
    'pipeline-import',
    `${path} imports ${name}, which is not installed`,
    `Run npm install ${name} in the folder of the file`,
    error,
  )
}

function shownPath(file: string): string {
  const near = relative(process.cwd(), file)
  return near.startsWith('..') ? file : near
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}
