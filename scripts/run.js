// node scripts/run.js FILE.ts [ARGUMENT…]: a TypeScript file of this repository under Node 24, dependencies installed.
import { installWhatIsMissing, runUnderNode24 } from './bootstrap.js'

const [file, ...args] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('usage: node scripts/run.js FILE.ts [ARGUMENT…]\n')
  process.exit(2)
}
installWhatIsMissing()
runUnderNode24(file, args)
