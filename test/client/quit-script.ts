/** Run by quit.test.ts in a process of its own: tracks, then ends in the way that its second argument names. */
import { createTracker } from '../../src/client/client.ts'

const [url, ending] = process.argv.slice(2)
const tracker = createTracker({ url: url!, flushAtQuit: true, quitTimeoutMs: 500 })
for (let i = 0; i < 3; i++) void tracker.track('jump', { height: i })

if (ending === 'own-handler') process.on('SIGTERM', () => setTimeout(() => process.exit(7), 2_000))
if (ending === 'signal' || ending === 'own-handler') setInterval(() => {}, 1_000)
process.stdout.write('ready\n')
