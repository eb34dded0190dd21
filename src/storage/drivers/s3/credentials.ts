/**
 * Whose name requests are signed in. Looked for in this order, as the AWS tools do: keys in the environment; a web identity in the
 * environment (a token file and a role: Kubernetes, GitHub); the profile, with keys or with a web identity of its own. What a profile
 * may have besides is refused by name.
 */
import { LandfallError } from '../../../base/errors.ts'
import type { Patience } from '../../remote/retry.ts'
import type { Profile } from './profile.ts'
import { WebIdentity } from './web-identity.ts'

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface CredentialSource {
  /** Credentials that are good now; `refused`: the store has just called these expired. */
  get(refused?: Credentials): Promise<Credentials>
}

export interface SourceParts {
  environment: NodeJS.ProcessEnv
  profile: Profile
  region: string
  stsEndpoint: string | undefined
  patience: Patience
  nowMs: () => number
}

export function findCredentials(parts: SourceParts): CredentialSource {
  const { environment, profile } = parts
  const id = environment['AWS_ACCESS_KEY_ID']
  const secret = environment['AWS_SECRET_ACCESS_KEY']
  if (id && secret) return fixed(id, secret, environment['AWS_SESSION_TOKEN'])
  if (id || secret)
    throw lacking(`${id ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID'} is not set, its partner is`)
  const tokenFile = environment['AWS_WEB_IDENTITY_TOKEN_FILE']
  const role = environment['AWS_ROLE_ARN']
  if (tokenFile && role) return webIdentity(parts, tokenFile, role, environment['AWS_ROLE_SESSION_NAME'])
  if (tokenFile) throw lacking('AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not')
  const { aws_access_key_id: key, aws_secret_access_key: secretKey } = profile
  if (key && secretKey) return fixed(key, secretKey, profile['aws_session_token'])
  if (profile['web_identity_token_file'] && profile['role_arn'])
    return webIdentity(
      parts,
      profile['web_identity_token_file'],
      profile['role_arn'],
      profile['role_session_name'],
    )
  const unknown = [
    'sso_session',
    'sso_start_url',
    'credential_process',
    'source_profile',
    'credential_source',
  ].find((name) => profile[name] !== undefined)
  if (unknown !== undefined) throw lacking(`the AWS profile has ${unknown}, which is not supported`)
  throw lacking('no credentials for the object store')
}

function fixed(
  accessKeyId: string,
  secretAccessKey: string,
  sessionToken: string | undefined,
): CredentialSource {
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
  return { get: async () => credentials }
}

function webIdentity(
  { environment, profile, region, stsEndpoint, patience, nowMs }: SourceParts,
  tokenFile: string,
  roleArn: string,
  sessionName = 'landfall',
): CredentialSource {
  const endpoint =
    stsEndpoint ||
    environment['AWS_ENDPOINT_URL_STS'] ||
    profile['sts_endpoint_url'] ||
    `https://sts.${region}.amazonaws.com`
  return new WebIdentity({ endpoint, tokenFile, roleArn, sessionName, patience, nowMs })
}

function lacking(what: string): LandfallError {
  return new LandfallError('fix-config', 'storage/credentials', what, {
    hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN',
  })
}
