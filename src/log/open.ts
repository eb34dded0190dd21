/** Chooses what stands behind the log by its URL: a path or `file:` URL is the embedded log's directory, `kafka:` a topic. */
import { fileURLToPath } from 'node:url'
import { LandfallError } from '../base/errors.ts'
import { type EmbeddedLogOptions, openEmbeddedLog } from './drivers/embedded/embedded-log.ts'
import { openEmbeddedReader } from './drivers/embedded/embedded-reader.ts'
import type { EventLog, LogReader } from './log.ts'

/** Who we are to a log that is a server. */
export interface LogCredentials {
  username?: string
  password?: string
}

export interface OpenLogOptions extends Omit<EmbeddedLogOptions, 'directory' | 'files'> {
  credentials?: LogCredentials
  /** What the writer answers depends on what it wrote before (`state`): a second writer of the same log must be fenced. */
  exclusive?: boolean
  /** Told what whoever runs this should know of a log that is a server. */
  onNote?: (text: string) => void
}

export interface OpenLogReaderOptions {
  /** How long to wait for a log that is not there yet. */
  waitMs?: number
  credentials?: LogCredentials
  onNote?: (text: string) => void
}

export async function openLog(url: string, options: OpenLogOptions = {}): Promise<EventLog> {
  if (schemeOf(url) === 'kafka') {
    const { openKafkaLog } = await import('./drivers/kafka/kafka-log.ts')
    return openKafkaLog({ ...options, url })
  }
  return openEmbeddedLog({ ...options, directory: directoryOf(url) })
}

/** A reader beside the writer, in any process. */
export async function openLogReader(url: string, options: OpenLogReaderOptions = {}): Promise<LogReader> {
  if (schemeOf(url) === 'kafka') {
    const { openKafkaReader } = await import('./drivers/kafka/kafka-log.ts')
    return openKafkaReader({ ...options, url })
  }
  return openEmbeddedReader({ ...options, directory: directoryOf(url) })
}

function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase()
}

function directoryOf(url: string): string {
  const scheme = schemeOf(url)
  if (scheme === undefined) return url
  if (scheme === 'file') return fileURLToPath(url)
  throw new LandfallError(
    'fix-config',
    'log/unknown-scheme',
    `opening the log ${scheme}://…: no driver of that name`,
    {
      hint: 'Use a directory, or kafka://host:9092/topic',
      details: { scheme },
    },
  )
}
