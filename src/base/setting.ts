/** What a setting is and which kinds of values there are; the settings themselves are in `src/config.ts`. */
import { LandfallError } from './errors.ts'
import { expected, formatBytes, formatDuration, parseBytes, parseDuration } from './quantities.ts'

/** `host` without brackets; `port` 0 asks the system for a free one. */
export interface Address {
  host: string
  port: number
  /** It was written as an https URL: how a client is to ask there. */
  secure?: true
}

export interface Kind<T> {
  name:
    | 'address'
    | 'directory'
    | 'file'
    | 'duration'
    | 'bytes'
    | 'count'
    | 'share'
    | 'toggle'
    | 'name'
    | 'secret'
    | 'url'
    | 'word'
  /** What stands after the flag in help texts; absent for switches. */
  placeholder?: string
  parse: (value: unknown) => T
  format: (value: T) => string
}

export interface Setting<T> extends Kind<T> {
  /** One phrase without a full stop. */
  help: string
  default: T
  /** `--http`; null where a flag would show a secret to everyone on the machine. */
  flag: string | null
  environment: string
  /** False for what belongs to the machine and not to the pipeline. */
  inPipeline: boolean
  /** Shown in the help of every command that takes it; the others are in `landfall settings`. */
  common: boolean
}

/** A setting of whatever type. */
export type AnySetting = Omit<Setting<unknown>, 'format'> & { format: (value: never) => string }

function text(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw expected('some text', String(value))
}

const quantity = (value: unknown) => (typeof value === 'number' ? value : text(value))

function kind<T>(
  name: Kind<T>['name'],
  placeholder: string | undefined,
  parse: (value: unknown) => T,
  format: (value: T) => string,
): Kind<T> {
  return placeholder === undefined ? { name, parse, format } : { name, placeholder, parse, format }
}

export const kinds = {
  address: kind('address', 'HOST:PORT', (value) => parseAddress(text(value)), formatAddress),
  directory: kind('directory', 'DIR', text, (value) => value),
  file: kind<string | null>('file', 'FILE', text, (value) => value ?? ''),
  duration: kind('duration', 'TIME', (value) => parseDuration(quantity(value)), formatDuration),
  bytes: kind('bytes', 'SIZE', (value) => parseBytes(quantity(value)), formatBytes),
  count: kind('count', 'N', parseCount, String),
  share: kind('share', 'SHARE', parseShare, String),
  toggle: kind('toggle', undefined, parseToggle, String),
  name: kind<string | null>('name', 'NAME', text, (value) => value ?? ''),
  secret: kind<string | null>('secret', 'TEXT', text, (value) => value ?? ''),
  word: kind(
    'word',
    'NAME',
    (value) => parseWord(text(value)),
    (value) => value,
  ),
  url: kind<string | null>(
    'url',
    'URL',
    (value) => parseUrl(text(value)),
    (value) => value ?? '',
  ),
}

/** Names that a query parameter of a URL has when its value is a secret; one that names a file is none. */
const SECRET_PARAMETER =
  /[?&]([^=&]*(?:password|passwd|secret|token|credential|access[-_]?key)[^=&]*(?<!file))=/i

/**
 * The URL of a part, as text: which schemes there are, is for the part to say. A URL is shown in messages, lists of processes and
 * files, so one that holds a secret is refused (and not shown).
 */
export function parseUrl(value: string): string {
  const userInfo = /^[a-z][a-z0-9+.-]*:\/\/([^/?#@]*)@/i.exec(value)?.[1]
  if (userInfo?.includes(':')) {
    throw secretInUrl('a password before the @')
  }
  const parameter = SECRET_PARAMETER.exec(value)?.[1]
  if (parameter !== undefined) throw secretInUrl(`a secret under "${parameter}"`)
  if (/\s/.test(value)) throw expected('a URL without blanks', value)
  return value
}

/** A name that every engine takes without quotes. */
function parseWord(value: string): string {
  if (/^[a-z][a-z0-9_]{0,127}$/.test(value)) return value
  throw expected('a name of small letters, digits and _, which begins with a letter', value)
}

function secretInUrl(what: string): LandfallError {
  return new LandfallError('fix-config', 'config/invalid', `expected a URL without secrets, found ${what}`, {
    hint: 'Everybody on the machine can read it there: give it in the environment ("landfall settings" names the variable)',
  })
}

/** `HOST:PORT`, `[::1]:PORT`, `:PORT` or `PORT`; a URL is taken as well. */
export function parseAddress(value: string): Address {
  const bare = value.replace(/^https?:\/\//, '').replace(/\/$/, '')
  const found = /^(?:(\[[0-9a-f:.]+\]|[^\s:[\]/]*):)?(\d{1,5})$/i.exec(bare)
  const port = Number(found?.[2])
  if (!found || port > 65_535) throw expected('HOST:PORT such as 127.0.0.1:5000', value)
  const host = (found[1] ?? '').replace(/^\[|\]$/g, '') || '127.0.0.1'
  return { host, port, ...(value.startsWith('https:') ? { secure: true } : {}) }
}

/** Where a client asks. */
export function urlOf(address: Address): string {
  return `${address.secure ? 'https' : 'http'}://${formatAddress(address)}`
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function parseCount(value: unknown): number {
  const digits = String(value).replaceAll('_', '')
  const count = /^\d+$/.test(digits) ? Number(digits) : -1
  if (Number.isSafeInteger(count) && count >= 0) return count
  throw expected('a whole number', String(value))
}

function parseShare(value: unknown): number {
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(String(value))
  const share = percent ? Number(percent[1]) / 100 : value === '' ? Number.NaN : Number(value)
  if (share >= 0 && share <= 1) return share
  throw expected('a share such as 5% or 0.05', String(value))
}

function parseToggle(value: unknown): boolean {
  if (value === true || value === 'true' || value === '1' || value === 'yes') return true
  if (value === false || value === 'false' || value === '0' || value === 'no') return false
  throw expected('true or false', String(value))
}

/** `lander.batchAge` → `lander-batch-age`. */
function words(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .replaceAll('.', '-')
    .toLowerCase()
}

/** `lander.batchAge` gets the flag `--lander-batch-age` and the variable `LANDFALL_LANDER_BATCH_AGE` unless told otherwise. */
export function setting<T>(
  name: string,
  kind: Kind<T>,
  fallback: T,
  help: string,
  more: Partial<Pick<Setting<T>, 'flag' | 'environment' | 'inPipeline' | 'common'>> = {},
): Setting<T> {
  return {
    ...kind,
    help,
    default: fallback,
    flag: `--${words(name)}`,
    environment: `LANDFALL_${words(name).replaceAll('-', '_').toUpperCase()}`,
    inPipeline: true,
    common: false,
    ...more,
  }
}
