/** What to type now that engines run. */
import { COMBINATIONS } from './engines.ts'
import type { EngineStatus } from './stack.ts'

export interface Advice {
  /** For the shell that runs landfall: `{ AWS_ACCESS_KEY_ID: … }`. */
  environment: Record<string, string>
  /** Command lines by what they are: `classic`, or `engines` when it is no combination that has a name. */
  commands: Record<string, string>
  /** Questions to engines that answer SQL. */
  questions: string[]
}

/** Flags that a pipeline takes from engines, in the order in which people read them. */
const FLAGS = ['--log', '--storage', '--catalog', '--lander']

export function adviceOf(engines: readonly EngineStatus[], pipeline = 'pipeline.ts'): Advice {
  const up = engines.filter(({ condition }) => condition === 'up')
  const commands: Record<string, string> = {}
  for (const [name, parts] of Object.entries(COMBINATIONS)) {
    const used = up.filter((one) => parts.includes(one.name))
    if (used.length === parts.length) commands[name] = commandOf(used, pipeline)
  }
  if (Object.keys(commands).length === 0 && up.some(({ offer }) => offer.flags))
    commands['engines'] = commandOf(up, pipeline)
  return {
    environment: Object.assign({}, ...up.map(({ offer }) => offer.environment ?? {})) as Record<
      string,
      string
    >,
    commands,
    questions: up.flatMap(({ offer }) => (offer.sql === undefined ? [] : [questionOf(offer.sql)])),
  }
}

function commandOf(engines: readonly EngineStatus[], pipeline: string): string {
  const flags: Record<string, string> = {}
  // Two that offer the same: the first is as good as the other.
  for (const { offer } of engines.toReversed()) Object.assign(flags, offer.flags)
  const known = FLAGS.filter((flag) => flags[flag] !== undefined)
  return ['landfall up', pipeline, ...known.map((flag) => `${flag} ${quoted(flags[flag]!)}`)].join(' ')
}

const questionOf = (url: string) => `landfall sql --sql ${quoted(url)} "select count(*) from events"`

/** For a shell: `?`, `&` and `*` mean something to it. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
