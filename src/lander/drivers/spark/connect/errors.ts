/** What a Spark Connect server answers instead of a result, as one clear line. */
import type { Metadata, ServiceError } from '@grpc/grpc-js'
import { LandfallError } from '../../../../base/errors.ts'

/** Reads `grpc-status-details-bin`: the class of the error and the id under which the server keeps the rest. */
export interface ErrorInfo {
  reason: string
  metadata: Record<string, string>
}

/** gRPC's status codes that say nothing of the statement (https://grpc.io/docs/guides/status-codes). */
const CANCELLED = 1
const DEADLINE_EXCEEDED = 4
const UNAVAILABLE = 14
const UNAUTHENTICATED = 16
const PERMISSION_DENIED = 7
const UNIMPLEMENTED = 12
const RESOURCE_EXHAUSTED = 8

export function isServiceError(error: unknown): error is ServiceError & { metadata: Metadata } {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number'
}

/** The connection broke or the server is not there: it is not known how far the operation came. */
export function isBroken(error: unknown): boolean {
  return isServiceError(error) && (error.code === UNAVAILABLE || error.code === DEADLINE_EXCEEDED)
}

/** The session or the operation is not known (any more): the server has been restarted, or has let go of it. */
export function isLost(error: unknown): boolean {
  return isServiceError(error) && /INVALID_HANDLE|INVALID_CURSOR/.test(error.details)
}

export function sparkError(
  error: unknown,
  address: string,
  info: ErrorInfo | undefined,
  message = '',
): LandfallError {
  if (error instanceof LandfallError) return error
  if (!isServiceError(error)) {
    const what = error instanceof Error ? error.message : String(error)
    return new LandfallError('retry', 'lander/spark-failed', `Spark at ${address}: ${firstLine(what)}`, {
      cause: error,
    })
  }
  // "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:15002. Resolution note: "
  const [, reason] = /Last error: (?:Error: )?(.+?)\.? Resolution note/.exec(error.details) ?? []
  const said = firstLine(message || (reason ?? error.details))
  const unreachable = (hint: string) =>
    new LandfallError('retry', 'lander/spark-unreachable', `Spark Connect at ${address}: ${said}`, {
      hint,
      cause: error,
    })
  switch (error.code) {
    case UNAVAILABLE:
      return unreachable('Is the server started, and is the port that of Spark Connect (15002 by default)?')
    case DEADLINE_EXCEEDED:
      return unreachable('It did not answer in time: look at its load and its log')
    case UNAUTHENTICATED:
    case PERMISSION_DENIED:
      return new LandfallError('fix-config', 'lander/spark-denied', `Spark Connect at ${address}: ${said}`, {
        hint: 'Set LANDFALL_SPARK_TOKEN to the token of spark.connect.authenticate.token',
        cause: error,
      })
    case UNIMPLEMENTED:
      return new LandfallError(
        'fix-config',
        'lander/spark-wrong-server',
        `${address} is no Spark Connect server of 4.1: ${said}`,
        {
          hint: 'Start Spark 4.1 with org.apache.spark.sql.connect.service.SparkConnectServer',
          cause: error,
        },
      )
    case CANCELLED:
      return new LandfallError('retry', 'lander/spark-cancelled', `Spark Connect at ${address}: ${said}`, {
        cause: error,
      })
  }
  const errorClass = /^\[([A-Z0-9_.]+)\]/.exec(said)?.[1] ?? info?.metadata['errorClass'] ?? null
  const thrown = info?.reason ?? null
  if (isLost(error))
    return new LandfallError('retry', 'lander/spark-session-lost', `Spark Connect at ${address}: ${said}`, {
      details: { errorClass },
      cause: error,
    })
  // A statement that makes no sense makes none when it is sent again.
  const isWrong = error.code === RESOURCE_EXHAUSTED || /AnalysisException|ParseException/.test(thrown ?? '')
  const kind = isWrong ? 'fix-config' : 'retry'
  return new LandfallError(kind, 'lander/spark-failed', `Spark at ${address}: ${said}`, {
    details: { errorClass, thrown },
    cause: error,
  })
}

const MESSAGE_MAX = 1000

function firstLine(text: string): string {
  const line = text.split('\n').find((line) => line.trim() !== '') ?? 'no message'
  return line.length > MESSAGE_MAX ? `${line.slice(0, MESSAGE_MAX)}…` : line
}
