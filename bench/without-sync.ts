import { type LogFiles, nodeFiles } from '../src/log/drivers/embedded/files.ts'

/** The log's file operations with a sync that does nothing: what the same code does when it promises nothing. */
export const filesWithoutSync: LogFiles = {
  ...nodeFiles,
  datasync: (_fd, done) => void setImmediate(done, null),
  sync: async () => {},
  syncDirectory: async () => {},
}
