// npm start: the game from the first request to the last answer. See the command `demo`.
import { installWhatIsMissing, runUnderNode24 } from './bootstrap.js'

installWhatIsMissing()
runUnderNode24('bin/landfall.js', ['demo', ...process.argv.slice(2)])
