import { type ErrorKind, LandfallError } from '../../../base/errors.ts'
import type { S3Answer } from './client.ts'
import type { S3Location } from './location.ts'

/** What a store's refusal means: kind, code, text, hint. Codes are S3's (API reference, "Error responses"). */
export function refusal(
  { bucket, endpoint, region }: S3Location,
  answer: S3Answer,
  code: string | undefined,
  text: string,
): LandfallError {
  const at = `bucket ${bucket} at ${endpoint}`
  const made = (kind: ErrorKind, name: string, message: string, hint: string) =>
    new LandfallError(kind, `storage/${name}`, message, { hint })
  switch (code ?? byStatus(answer)) {
    case 'NoSuchBucket':
      return made(
        'fix-config',
        'no-bucket',
        `there is no ${at}`,
        'Make it, or correct the bucket in storage.url',
      )
    case 'InvalidAccessKeyId':
    case 'InvalidClientTokenId':
      return made(
        'fix-config',
        'credentials',
        `${endpoint} does not know the access key`,
        'Look at AWS_ACCESS_KEY_ID and at the endpoint',
      )
    case 'SignatureDoesNotMatch':
      return made(
        'fix-config',
        'credentials',
        `${endpoint} refuses the signature: the secret key is wrong, or something between changes requests`,
        'Look at AWS_SECRET_ACCESS_KEY; a proxy must leave the Host header and the path as they are',
      )
    case 'RequestTimeTooSkewed':
      return made(
        'fix-config',
        'clock-skew',
        `the clock of this machine and that of ${endpoint} are too far apart`,
        'Set the clock (NTP)',
      )
    case 'ExpiredToken':
    case 'InvalidToken':
      return made(
        'fix-config',
        'credentials',
        `${endpoint} says that the session token is expired or invalid`,
        'Get new credentials',
      )
    case 'AccessDenied':
      return made(
        'fix-config',
        'no-permission',
        `these credentials may not do this in ${at}: ${text.slice(0, 300)}`,
        'They need s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket and s3:AbortMultipartUpload',
      )
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
    case 'IllegalLocationConstraintException': {
      const other = answer.headers.get('x-amz-bucket-region')
      const where = other === null ? 'another region' : `region ${other}`
      return made(
        'fix-config',
        'wrong-region',
        `${at} is in ${where}, not in ${region}`,
        `Give ?region=${other ?? '…'} in storage.url`,
      )
    }
    default:
      return made(
        'fix-config',
        'refused',
        `${at} answered ${answer.status}${code === undefined ? '' : ` ${code}`}: ${text.slice(0, 300)}`,
        'Look at storage.url and at the log of the store',
      )
  }
}

/** An answer to HEAD has no body. */
function byStatus({ status }: S3Answer): string | undefined {
  if (status === 403) return 'AccessDenied'
  return status === 301 || status === 307 ? 'PermanentRedirect' : undefined
}
