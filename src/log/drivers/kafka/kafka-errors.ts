/** What Kafka and the way to it can answer, in our words: what was attempted, on what, what was found, what to do. */
import { LandfallError, systemCode } from '../../../base/errors.ts'

/** Error codes of the protocol that are acted upon: https://kafka.apache.org/protocol#protocol_error_codes */
export const CODE = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  coordinatorLoadInProgress: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  topicAuthorizationFailed: 29,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  unsupportedSaslMechanism: 33,
  topicAlreadyExists: 36,
  invalidConfig: 40,
  invalidReplicationFactor: 38,
  duplicateSequenceNumber: 46,
  invalidProducerEpoch: 47,
  concurrentTransactions: 51,
  transactionalIdAuthorizationFailed: 53,
  kafkaStorageError: 56,
  saslAuthenticationFailed: 58,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  producerFenced: 90,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const

/** Node's codes of a certificate that is not trusted. */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*|CERT_.*|ERR_TLS_CERT_.*)$/

/** The code of the protocol that an error of the library carries, at any depth; undefined when the broker has not answered. */
export function protocolCode(error: unknown): number | undefined {
  return findIn(error, (one) => {
    const code = (one as { apiCode?: unknown }).apiCode
    return typeof code === 'number' ? code : undefined
  })
}

function findIn<T>(error: unknown, look: (one: object) => T | undefined, depth = 0): T | undefined {
  if (typeof error !== 'object' || error === null || depth > 6) return undefined
  const found = look(error)
  if (found !== undefined) return found
  const { errors, cause } = error as { errors?: unknown[]; cause?: unknown }
  for (const inner of [...(Array.isArray(errors) ? errors : []), cause]) {
    const deeper = findIn(inner, look, depth + 1)
    if (deeper !== undefined) return deeper
  }
  return undefined
}

/** The words of the innermost cause: "connect ECONNREFUSED 127.0.0.1:9092" rather than "Connection failed". */
export function innermost(error: unknown): string {
  const { errors, cause } = (error ?? {}) as { errors?: unknown[]; cause?: unknown }
  const inner = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  if (inner !== undefined) return innermost(inner)
  return error instanceof Error ? error.message : String(error)
}

export interface Approach {
  /** `host:port` */
  address: string
  tls: boolean
  /** We show one of our own. */
  hasCertificate: boolean
  sasl: string | null
  username: string | null
}

/** Why a broker could not be talked to. Of kind `retry` when another try may succeed. */
export function connectError(approach: Approach, error: unknown): LandfallError {
  const { address, tls } = approach
  const code = findIn(error, (one) => {
    const text = systemCode(one)
    return text !== undefined && !text.startsWith('PLT_') ? text : undefined
  })
  const words = innermost(error)
  if (UNTRUSTED.test(code ?? '')) return untrusted(address, words, error)
  const refused = authenticationError(approach, error)
  if (refused !== undefined) return refused
  if (words.includes('requires TLS')) {
    return fixConfig(`talking to Kafka at ${address}: it answers with TLS`, 'Add ?tls=true to the URL', error)
  }
  const noTls =
    tls &&
    (code === 'EPROTO' || code?.startsWith('ERR_SSL') || words.includes('TLS connection was established'))
  if (noTls && !/alert/.test(words)) {
    return fixConfig(
      `talking to Kafka at ${address}: it does not answer with TLS`,
      'Name its TLS port, or leave tls out of the URL',
      error,
    )
  }
  if (/alert/.test(words)) {
    const hint = 'It asks for a certificate that its authority has signed: give cert= and key= in the URL'
    return fixConfig(`talking to Kafka at ${address}: it refuses the TLS connection (${words})`, hint, error)
  }
  const asks = code === undefined || code === 'ECONNRESET' ? closes(approach) : ''
  return new LandfallError('retry', 'log/unreachable', `no Kafka answers at ${address}: ${words}`, {
    hint: `Check that the broker runs and that the URL of the log names it${asks}`,
    cause: error,
  })
}

/** A listener that asks for more than was given just closes. */
function closes({ tls, sasl, hasCertificate }: Approach): string {
  const more = [
    ...(tls ? [] : ['tls=true']),
    ...(sasl === null ? ['sasl=…'] : []),
    ...(tls ? [`${hasCertificate ? 'another ' : ''}cert= and key= that its authority has signed`] : []),
  ]
  return `; if it does, it may ask for ${more.join(' or ')} in the URL`
}

function untrusted(address: string, words: string, cause: unknown): LandfallError {
  return new LandfallError(
    'fix-config',
    'log/untrusted',
    `the certificate of Kafka at ${address} is not trusted: ${words}`,
    {
      hint: 'Name the certificate of its authority with ?ca=FILE in the URL of the log',
      cause,
    },
  )
}

function authenticationError(
  { address, sasl, username }: Approach,
  error: unknown,
): LandfallError | undefined {
  const code = protocolCode(error)
  if (code === CODE.unsupportedSaslMechanism) {
    return fixConfig(
      `Kafka at ${address} does not know ${sasl}`,
      'Ask for another mechanism with sasl= in the URL',
      error,
    )
  }
  const name = (error as { code?: unknown } | null)?.code
  const refused = code === CODE.saslAuthenticationFailed || name === 'PLT_KFK_AUTHENTICATION'
  if (
    !refused &&
    findIn(error, (one) => (systemCode(one) === 'PLT_KFK_AUTHENTICATION' ? true : undefined)) === undefined
  ) {
    return undefined
  }
  return new LandfallError(
    'fix-config',
    'log/unauthenticated',
    `Kafka at ${address} does not let ${username} in (${sasl})`,
    {
      hint: 'Check LANDFALL_KAFKA_USERNAME and LANDFALL_KAFKA_PASSWORD',
      cause: error,
    },
  )
}

function fixConfig(message: string, hint: string, cause: unknown): LandfallError {
  return new LandfallError('fix-config', 'log/unreachable', message, { hint, cause })
}

export function missingTopic(topic: string): LandfallError {
  return new LandfallError('fix-config', 'log/no-topic', `there is no topic ${topic}`, {
    hint: `Make it (kafka-topics --create --topic ${topic}), or start the collector, which makes it unless the URL says create=false`,
    details: { topic },
  })
}

/** The topic is another one than that whose records were read or written. `next`: where we stood in the old one. */
export function remadeTopic(
  topic: string,
  expected: string,
  found: string,
  next: Record<number, number>,
): LandfallError {
  const from = Object.entries(next).map(
    ([partition, offset]) => `partition ${partition} from offset ${offset} on`,
  )
  return new LandfallError(
    'fix-config',
    'log/wrong-log',
    `the topic ${topic} was deleted and made again: log ${expected} is gone, ${from.join(', ') || 'everything in it'}, and log ${found} begins at 0`,
    {
      hint: 'What was not landed of the old one is lost. Start with another data directory, or restore the topic',
      details: { topic, expected, found, gap: next },
    },
  )
}

export function notAllowed(what: string, topic: string, cause: unknown): LandfallError {
  return new LandfallError(
    'fix-config',
    'log/not-allowed',
    `${what} topic ${topic}: Kafka does not allow it (${innermost(cause)})`,
    {
      hint: 'docs/reference/kafka.md lists the rights that are needed',
      cause,
    },
  )
}

export function unknownOutcome(what: string, cause?: unknown): LandfallError {
  return new LandfallError(
    'retry',
    'log/unknown-outcome',
    `appending to the log: ${what}; the records may or may not be there`,
    {
      hint: 'Send the same events again with the same ids: the copies are recognised',
      ...(cause === undefined ? {} : { cause }),
    },
  )
}

/** Nothing was appended. */
export function unavailable(what: string, cause?: unknown): LandfallError {
  return new LandfallError(
    'retry',
    'log/unavailable',
    `appending to the log: ${what}; nothing was appended`,
    {
      hint: 'Try again in a few seconds',
      details: { retryAfterSeconds: 5 },
      ...(cause === undefined ? {} : { cause }),
    },
  )
}

/** What Kafka answered while the log was opened, when there is no word of its own for it. */
export function opening(topic: string, error: unknown): unknown {
  const code = protocolCode(error)
  if (error instanceof LandfallError || code === undefined) return error
  if (code === CODE.invalidProducerEpoch || code === CODE.producerFenced) return fenced(topic)
  return new LandfallError(
    'retry',
    'log/refused',
    `opening topic ${topic}: Kafka answers with error ${code} (${innermost(error)})`,
    { hint: 'The log of the broker says more', cause: error },
  )
}

export function fenced(topic: string): LandfallError {
  return new LandfallError('fix-config', 'log/fenced', `another collector has taken topic ${topic} over`, {
    hint: 'A pipeline with state has one collector: stop one of the two',
    details: { topic },
  })
}
