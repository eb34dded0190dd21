import { createMemoryStorage } from '../../src/storage/drivers/memory.ts'
import { storageSuite } from '../conformance/storage-suite.ts'

storageSuite({
  name: 'memory',
  engines: false,
  open: async () => ({ storage: createMemoryStorage(), close: async () => {} }),
})
