/**
 * Every setting of Landfall, once: this table gives each its type, default, help text, command-line flag, environment variable
 * and its place in the pipeline's `settings`. `docs/reference/settings.md` is printed from it (a test compares).
 *
 * Precedence: flag, then environment, then the pipeline's `settings`, then the default.
 */
import { LandfallError } from './base/errors.ts'
import { type AnySetting, kinds, setting } from './base/setting.ts'
import { placeSettings } from './pipeline/place-settings.ts'

const { address, bytes, count, directory, duration, file, name, secret, share, toggle } = kinds
const machine = { inPipeline: false, common: true }
const hidden = { flag: null, inPipeline: false }
const MIB = 1024 * 1024
const DAY = 86_400_000

/** Defaults of a room's settings are the room's own (a test compares); here they are said without loading the room. */
const all = {
  data: setting('data', directory, './data', 'directory that holds log, tables and state', machine),
  insecure: setting('insecure', toggle, false, 'listen beyond this machine without keys and tokens', machine),

  'tls.cert': setting<string | null>(
    'tls.cert',
    file,
    null,
    'certificate (PEM) of both doors: they speak https',
    machine,
  ),
  'tls.key': setting<string | null>('tls.key', file, null, 'its key (PEM)', machine),

  ...placeSettings,

  'collector.listen': setting(
    'collector.listen',
    address,
    { host: '127.0.0.1', port: 5000 },
    "where events and the pipeline's API are served",
    { flag: '--http', environment: 'LANDFALL_HTTP', common: true },
  ),
  'collector.bodyBytesMax': setting(
    'collector.bodyBytesMax',
    bytes,
    10 * MIB,
    'a request body as it is sent',
  ),
  'collector.inflatedBytesMax': setting(
    'collector.inflatedBytesMax',
    bytes,
    64 * MIB,
    'a gzip body, unpacked',
  ),
  'collector.bufferedBytesMax': setting(
    'collector.bufferedBytesMax',
    bytes,
    256 * MIB,
    'bodies being read or waiting for the log, all requests together',
  ),
  'collector.headerBytesMax': setting(
    'collector.headerBytesMax',
    bytes,
    16 * 1024,
    'all headers of a request',
  ),
  'collector.urlBytesMax': setting('collector.urlBytesMax', bytes, 8 * 1024, 'path and query of a request'),
  'collector.batchEventsMax': setting('collector.batchEventsMax', count, 10_000, 'events in one request'),
  'collector.eventBytesMax': setting('collector.eventBytesMax', bytes, MIB, 'one event'),
  'collector.depthMax': setting('collector.depthMax', count, 128, 'levels of objects and lists in one event'),
  'collector.requestsMax': setting(
    'collector.requestsMax',
    count,
    10_000,
    'requests being answered at one time',
  ),
  'collector.connectionsMax': setting('collector.connectionsMax', count, 16_384, 'connections'),
  'collector.requestTimeout': setting(
    'collector.requestTimeout',
    duration,
    30_000,
    'a request must have arrived whole within this time',
  ),
  'collector.headersTimeout': setting(
    'collector.headersTimeout',
    duration,
    10_000,
    'and its headers within this',
  ),
  'collector.keepAliveTimeout': setting(
    'collector.keepAliveTimeout',
    duration,
    75_000,
    'an idle connection is kept',
  ),
  'collector.handlerTimeout': setting(
    'collector.handlerTimeout',
    duration,
    30_000,
    'an asynchronous handler may take',
  ),
  'collector.stopGrace': setting(
    'collector.stopGrace',
    duration,
    10_000,
    'requests under way get to finish at a stop',
  ),

  'log.segmentBytes': setting('log.segmentBytes', bytes, 64 * MIB, 'a segment file, laid out ahead'),
  'log.segmentAge': setting(
    'log.segmentAge',
    duration,
    DAY,
    'a segment is closed when its first record is older',
  ),
  'log.frameBytesMax': setting(
    'log.frameBytesMax',
    bytes,
    4 * MIB,
    'one commit takes more appends while it is below this',
  ),
  'log.appendBytesMax': setting('log.appendBytesMax', bytes, 16 * MIB, 'events of one request in the log'),
  'log.queuedBytesMax': setting(
    'log.queuedBytesMax',
    bytes,
    32 * MIB,
    'what may wait to become durable; beyond it 503',
  ),
  'log.diskReserve': setting(
    'log.diskReserve',
    share,
    0.05,
    'free disk below which events are answered with 503',
  ),
  'log.idleMarker': setting(
    'log.idleMarker',
    duration,
    1000,
    'the end is marked after this long without an event',
  ),

  'lander.batchAge': setting(
    'lander.batchAge',
    duration,
    10_000,
    'a batch is committed when its oldest event waited this long',
  ),
  'lander.batchBytes': setting('lander.batchBytes', bytes, 64 * MIB, 'or it holds this much'),
  'lander.batchRows': setting('lander.batchRows', count, 500_000, 'or this many records'),
  'lander.idle': setting(
    'lander.idle',
    duration,
    2000,
    'or no event came for this long and some are waiting',
  ),
  'lander.chunkBytes': setting('lander.chunkBytes', bytes, 16 * MIB, 'what is judged in one pass at most'),
  'lander.memoryBytes': setting('lander.memoryBytes', bytes, 512 * MIB, "memory of the lander's engine"),
  'lander.threads': setting('lander.threads', count, 1, "threads of the lander's engine"),
  'lander.idsMemoryBytes': setting(
    'lander.idsMemoryBytes',
    bytes,
    256 * MIB,
    'memory for event ids of the duplicates window; the others are on disk',
  ),
  'lander.reserveSpool': setting(
    'lander.reserveSpool',
    share,
    0.05,
    'free disk below which spool and compaction stop',
  ),
  'lander.reserveCommit': setting('lander.reserveCommit', share, 0.01, 'free disk below which commits stop'),
  'lander.grace': setting(
    'lander.grace',
    duration,
    5000,
    'pending events are landed at a stop if it takes no longer',
  ),
  'lander.maintain': setting('lander.maintain', toggle, true, 'compact and clean tables between batches'),

  'lake.snapshotsMax': setting('lake.snapshotsMax', count, 100, 'snapshots of a table kept at most'),
  'lake.snapshotAge': setting('lake.snapshotAge', duration, DAY / 24, 'older snapshots are let go'),
  'lake.grace': setting(
    'lake.grace',
    duration,
    DAY / 96,
    'files are unlinked when no snapshot named them for so long',
  ),
  'lake.targetBytes': setting(
    'lake.targetBytes',
    bytes,
    128 * MIB,
    'a data file of this size is large enough',
  ),
  'lake.compactionBytesMax': setting(
    'lake.compactionBytesMax',
    bytes,
    64 * MIB,
    'what one round of compaction reads',
  ),

  'sql.listen': setting(
    'sql.listen',
    address,
    { host: '127.0.0.1', port: 8080 },
    'where SQL is served (the Trino protocol)',
    { flag: '--sql', environment: 'LANDFALL_SQL', common: true },
  ),
  'sql.runningMax': setting('sql.runningMax', count, 4, 'queries that run at once'),
  'sql.waitingMax': setting('sql.waitingMax', count, 32, 'queries that wait for a place'),
  'sql.spoolWait': setting('sql.spoolWait', duration, 2000, 'a query waits so long for the newest events'),
  'sql.timeout': setting('sql.timeout', duration, 300_000, 'a query may take'),
  'sql.rowsMax': setting('sql.rowsMax', count, 1_000_000, 'rows of an answer'),
  'sql.memoryMax': setting('sql.memoryMax', bytes, 1.5e9, 'memory that the query process takes'),
  'sql.temporaryMax': setting('sql.temporaryMax', bytes, 4e9, 'disk for what does not fit into that memory'),
  'sql.token': setting<string | null>(
    'sql.token',
    secret,
    null,
    'what SQL clients and Iceberg readers must send, beyond this machine',
    {
      flag: null,
      inPipeline: false,
    },
  ),
  'sql.password': setting<string | null>(
    'sql.password',
    secret,
    null,
    'password for a Trino or Presto that asks for one, over TLS',
    hidden,
  ),
  'sql.users': setting<string | null>(
    'sql.users',
    file,
    null,
    'users and their tokens (landfall user writes it); clients must be one of them',
    { inPipeline: false },
  ),
  'sql.user': setting<string | null>(
    'sql.user',
    name,
    null,
    'who landfall sql is (default: you on this machine)',
    {
      flag: null,
      inPipeline: false,
    },
  ),
} as const

export const SETTINGS = all satisfies Record<string, AnySetting>

type Table = typeof all
export type SettingName = keyof Table
/** All settings with their values; durations in milliseconds, sizes in bytes, shares from 0 to 1. */
export type Settings = { -readonly [N in SettingName]: ReturnType<Table[N]['parse']> }

/** Where values come from, beside the defaults. */
export interface SettingSources {
  flags?: Partial<Record<SettingName, unknown>>
  environment?: Record<string, string | undefined>
  /** `settings` of the pipeline: `{ lander: { batchAge: '5s' } }`. */
  pipeline?: Record<string, unknown>
}

const entries = Object.entries(SETTINGS) as [SettingName, AnySetting][]

/** Throws `config/invalid` with the place of the value at fault. */
export function resolveSettings({ flags = {}, environment = {}, pipeline = {} }: SettingSources): Settings {
  const fromPipeline = flatten(pipeline)
  const settings: Record<string, unknown> = {}
  for (const [name, spec] of entries) {
    const given: [unknown, string][] = [
      [flags[name], spec.flag ?? name],
      // An empty variable is how a shell unsets one.
      [environment[spec.environment] || undefined, spec.environment],
      [fromPipeline.get(name), `settings.${name} of the pipeline`],
    ]
    const found = given.find(([value]) => value !== undefined)
    settings[name] = found ? parseAt(found[1], spec, found[0]) : spec.default
  }
  return settings as Settings
}

function parseAt(place: string, spec: AnySetting, value: unknown): unknown {
  try {
    return spec.parse(value)
  } catch (error) {
    const { message, hint } = error as LandfallError
    throw new LandfallError('fix-config', 'config/invalid', `${place}: ${message}`, hint ? { hint } : {})
  }
}

const OF_THE_DOOR: ReadonlySet<AnySetting['name']> = new Set([
  'address',
  'secret',
  'file',
  'name',
  'url',
  'word',
])

/**
 * The settings of one room under the room's own names: `lander.batchAge` → `batchAgeMs`. `listen`, `token` and files are not
 * among them: the door takes them apart, and URLs are `placesOf`'s (src/pipeline/places.ts).
 */
export function roomSettings(settings: Settings, room: string): Record<string, number | boolean> {
  const fields: Record<string, number | boolean> = {}
  for (const [name, spec] of entries) {
    if (!name.startsWith(`${room}.`) || OF_THE_DOOR.has(spec.name)) continue
    const field = name.slice(room.length + 1)
    fields[spec.name === 'duration' ? `${field}Ms` : field] = settings[name] as number | boolean
  }
  return fields
}

/** What the pipeline says under `settings` for a command of its own and not for a room. */
const OTHER_PIPELINE_SETTINGS = new Set(['simulate'])

/** `{ lander: { batchAge: 1 } }` → `lander.batchAge`. Refuses names that no setting has. */
function flatten(given: Record<string, unknown>): Map<string, unknown> {
  const flat = new Map<string, unknown>()
  const take = (name: string, value: unknown) => {
    const spec = (SETTINGS as Record<string, AnySetting>)[name]
    if (spec?.inPipeline) flat.set(name, value)
    else throw unknownSetting(name, spec !== undefined)
  }
  for (const [key, value] of Object.entries(given)) {
    if (OTHER_PIPELINE_SETTINGS.has(key)) continue
    if (key in SETTINGS || typeof value !== 'object' || value === null) take(key, value)
    else for (const [inner, innerValue] of Object.entries(value)) take(`${key}.${inner}`, innerValue)
  }
  return flat
}

function unknownSetting(name: string, ofMachine: boolean): LandfallError {
  const room = name.split('.')[0]
  const allowed = entries.filter(([, spec]) => spec.inPipeline).map(([other]) => other)
  const near = allowed.filter((other) => other.startsWith(`${room}.`))
  return new LandfallError(
    'fix-config',
    'config/unknown',
    ofMachine
      ? `settings.${name} of the pipeline: this belongs to the machine, not to the pipeline`
      : `settings.${name} of the pipeline: there is no such setting`,
    {
      hint: ofMachine
        ? 'Give it as a flag or in the environment'
        : `There are ${(near.length > 0 ? near : allowed).join(', ')}`,
    },
  )
}
