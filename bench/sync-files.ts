import { type LogFiles, nodeFiles } from '../src/log/drivers/embedded/files.ts'

/** The log's file operations with a sync that does nothing: what the same code does when it promises nothing. */
export const filesWithoutSync: LogFiles = {
  ...nodeFiles,
  datasync: (_fd, done) => void setImmediate(done, null),
  sync: async () => {},
  syncDirectory: async () => {},
}

/** On a disk whose syncs take so long. */
export function filesWithSlowSync(ms: number): LogFiles {
  return {
    ...nodeFiles,
    datasync: (fd, done) => void setTimeout(() => nodeFiles.datasync(fd, done), ms),
  }
}
