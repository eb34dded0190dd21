import type { Patience } from '../../remote/retry.ts'
import { NameAnswer } from './errors.ts'
import { HdfsStore } from './hdfs-store.ts'
import { locateHdfs } from './location.ts'
import { WebHdfs } from './webhdfs.ts'

export interface HdfsOptions {
  environment: NodeJS.ProcessEnv
  patience: Patience
}

/** Opens a directory of an HDFS, which is made by the first write. The NameNode is asked once, so that mistakes show at once. */
export async function openHdfsStore(url: string, { environment, patience }: HdfsOptions): Promise<HdfsStore> {
  const location = locateHdfs(url, environment)
  const hdfs = new WebHdfs(location, patience)
  await hdfs.ask('GET', 'GETFILESTATUS', location.root || '/').catch((error: unknown) => {
    if (!(error instanceof NameAnswer)) throw error
  })
  return new HdfsStore(location, hdfs)
}
