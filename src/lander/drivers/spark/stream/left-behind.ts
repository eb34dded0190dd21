/**
 * Queries belong to a session of the Spark server and outlive the process that started them. Which session it was is kept in
 * `lander/stream.json`, so that the next lander of this directory ends them. A directory that is lost leaves queries that go on until the
 * server is restarted; what they stage is never taken.
 */
import { join } from 'node:path'
import { readIfPresent, replaceFile } from '../../../../base/files.ts'
import { type ConnectOptions, connectSpark, type SparkConnect } from '../connect/client.ts'
import { activeStreams, stopStream } from '../connect/streams.ts'

const FILE = 'stream.json'

/** Before the session starts a query: ends those of the last one, and keeps the name of this one. */
export async function succeedSession(
  directory: string,
  spark: SparkConnect,
  options: ConnectOptions,
): Promise<void> {
  const path = join(directory, FILE)
  const left = await readIfPresent(path)
  if (left !== undefined) await endSession(left, options).catch(() => {})
  await replaceFile(path, `${JSON.stringify({ version: 1, session: spark.sessionId })}\n`)
}

/** Best effort: a server that was restarted knows neither the session nor its queries. */
async function endSession(file: Buffer, options: ConnectOptions): Promise<void> {
  const { session } = JSON.parse(file.toString()) as { session?: unknown }
  if (typeof session !== 'string') return
  const left = await connectSpark({ ...options, sessionId: session })
  try {
    for (const query of await activeStreams(left)) await stopStream(left, query)
  } finally {
    await left.close()
  }
}
