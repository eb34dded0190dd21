/** A directory of an HDFS, as storage. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type HdfsState, hdfs } from '../../src/stack/engines/hdfs.ts'
import { type OpenStorageOptions, openStorage } from '../../src/storage/open.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { shareEngine } from '../engines/shared-engine.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'

export interface TestHdfs {
  state: HdfsState
  url(path: string, http?: string): string
  open(path: string, options?: OpenStorageOptions, http?: string): Promise<Storage>
  /** Directory for caches, removed by `close`. */
  directory: string
  close(): void
}

export async function openTestHdfs(): Promise<TestHdfs | { missing: string }> {
  const state = await shareEngine(hdfs)
  return 'missing' in state ? state : testHdfs(state)
}

export function testHdfs(state: HdfsState): TestHdfs {
  const directory = mkdtempSync(join(tmpdir(), 'landfall-hdfs-'))
  const url = (path: string, http = state.http) => `${state.url}/${path}?http=${http}&user=landfall`
  return {
    state,
    url,
    open: (path, options = {}, http) =>
      openStorage(url(path, http), {
        environment: {},
        cacheDirectory: join(directory, 'cache'),
        patience: { retryMaxMs: 10_000 },
        ...options,
      }),
    directory,
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** All of WebHDFS through one proxy: the NameNode's answers are rewritten so that DataNodes are met there too. */
export async function startHdfsProxy(http: string): Promise<FaultProxy> {
  const proxy = await startFaultProxy(http)
  let datanode: string | undefined
  proxy.redirect = (location) => {
    const url = new URL(location)
    datanode = url.host
    url.host = proxy.address
    return url.href
  }
  proxy.route = ({ path }) => (path.includes('namenoderpcaddress=') ? datanode : undefined)
  return proxy
}
