import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { AwsClient } from 'aws4fetch'
import type { Engine } from '../engine.ts'
import { provideGo } from '../go.ts'

export interface VersitygwState {
  /** `http://127.0.0.1:<port>`; addressed by path: `<endpoint>/<bucket>/<key>`. */
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  /** Buckets are folders here, and objects files. */
  directory: string
}

const VERSION = 'v1.8.0'
/** Made when it starts, so that `landfall up` finds it. */
const BUCKET = 'landfall'
const PROBE_MAX_MS = 5_000

/** An object store: S3 over a folder of this machine. */
export const versitygw: Engine<VersitygwState> = {
  name: 'versitygw',
  title: `versitygw ${VERSION} (S3)`,
  ports: { s3: 9000 },
  memoryMb: 40,
  async provide(cache) {
    const program = await provideGo(cache, 'github.com/versity/versitygw/cmd/versitygw', VERSION)
    return {
      async prepare({ directory, ports }) {
        const buckets = join(directory, 'buckets')
        const iam = join(directory, 'iam')
        for (const folder of [buckets, iam]) mkdirSync(folder, { recursive: true })
        const address = `127.0.0.1:${ports['s3']}`
        const state = {
          endpoint: `http://${address}`,
          region: 'us-east-1',
          accessKeyId: 'landfall',
          secretAccessKey: 'landfall-secret',
          directory: buckets,
        }
        const env = { ROOT_ACCESS_KEY: state.accessKeyId, ROOT_SECRET_KEY: state.secretAccessKey }
        const flags = ['--port', address, '--region', state.region, '--iam-dir', iam, '--quiet']
        return {
          processes: [{ name: 'versitygw', command: [program, ...flags, 'posix', buckets], env }],
          state,
        }
      },
      isReady: (state) => makeBucket(state, BUCKET),
    }
  },
  offer: ({ endpoint, region, accessKeyId, secretAccessKey }) => ({
    flags: { '--storage': `s3://${BUCKET}/lake?endpoint=${endpoint}&region=${region}&path-style=true` },
    environment: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    addresses: { S3: endpoint },
  }),
}

/** True when the bucket is there: made, or made before. */
export async function makeBucket(state: VersitygwState, name: string): Promise<boolean> {
  const { endpoint, region, accessKeyId, secretAccessKey } = state
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 })
  const signal = AbortSignal.timeout(PROBE_MAX_MS)
  const answer = await client.fetch(`${endpoint}/${name}`, { method: 'PUT', signal })
  await answer.body?.cancel()
  return answer.ok || answer.status === 409
}
