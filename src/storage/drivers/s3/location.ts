/**
 * `s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=eu-central-1&path-style=true&profile=name`: where a lake is in an object
 * store. What the URL leaves open comes from the environment and from the profile, in the words of the AWS tools.
 */
import { LandfallError } from '../../../base/errors.ts'
import { readUrl } from '../../remote/location-url.ts'
import type { Profile } from './profile.ts'

export interface S3Location {
  bucket: string
  /** No slash at either end; may be empty. */
  prefix: string
  /** `https://s3.eu-central-1.amazonaws.com`, no trailing slash. */
  endpoint: string
  region: string
  /** `<endpoint>/<bucket>/<key>` rather than `<bucket>.<endpoint host>/<key>`. */
  pathStyle: boolean
}

const PARAMETERS = ['endpoint', 'region', 'path-style', 'profile', 'sts-endpoint']

export function parseS3Url(url: string): { bucket: string; prefix: string; parameters: URLSearchParams } {
  const { host, path, parameters } = readUrl(url, 's3', PARAMETERS)
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(host)) {
    throw new LandfallError(
      'fix-config',
      'storage/bad-url',
      `${url}: expected s3://bucket/prefix, found bucket "${host}"`,
      {
        hint: 'Name a bucket: 3 to 63 lower-case letters, digits, dots and hyphens',
      },
    )
  }
  return { bucket: host, prefix: path, parameters }
}

export function locateS3(
  { bucket, prefix, parameters }: ReturnType<typeof parseS3Url>,
  environment: NodeJS.ProcessEnv,
  profile: Profile,
): S3Location {
  const region =
    parameters.get('region') ||
    environment['AWS_REGION'] ||
    environment['AWS_DEFAULT_REGION'] ||
    profile.region ||
    'us-east-1'
  const named =
    parameters.get('endpoint') ||
    environment['AWS_ENDPOINT_URL_S3'] ||
    environment['AWS_ENDPOINT_URL'] ||
    profile.endpoint_url
  const endpoint = (named || `https://s3.${region}.amazonaws.com`).replace(/\/+$/, '')
  checkEndpoint(endpoint)
  const style = parameters.get('path-style')
  if (style !== null && style !== 'true' && style !== 'false')
    throw new LandfallError(
      'fix-config',
      'storage/bad-url',
      `path-style of s3://${bucket} must be true or false, found ${style}`,
    )
  // Names with dots do not fit the certificate of the store; other stores than Amazon's rarely have a name per bucket.
  const pathStyle = style === null ? named !== undefined || bucket.includes('.') : style === 'true'
  return { bucket, prefix, endpoint, region, pathStyle }
}

function checkEndpoint(endpoint: string): void {
  const parsed = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (
    parsed !== undefined &&
    /^https?:$/.test(parsed.protocol) &&
    parsed.pathname === '/' &&
    parsed.search === ''
  )
    return
  throw new LandfallError(
    'fix-config',
    'storage/bad-url',
    `the endpoint of an object store is http(s)://host:port, found ${JSON.stringify(endpoint)}`,
  )
}

/** The address of an object, or of the bucket. */
export function addressOf(
  { endpoint, bucket, pathStyle }: S3Location,
  key = '',
  query: Record<string, string> = {},
): URL {
  const url = new URL(endpoint)
  const path = key.split('/').map(encodeStrictly).join('/')
  if (pathStyle) url.pathname = `/${bucket}/${path}`
  else {
    url.hostname = `${bucket}.${url.hostname}`
    url.pathname = `/${path}`
  }
  // Not by searchParams: they write a space as `+`, which the signature does not.
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(value)}`,
  )
  url.search = pairs.join('&')
  return url
}

/** As the signature has it: RFC 3986, with nothing spared but letters, digits and `-._~`. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
