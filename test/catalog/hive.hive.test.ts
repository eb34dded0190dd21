import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createServer } from 'node:tls'
import { expect, test } from 'vitest'
import { catalogSuite } from '../conformance/catalog-suite.ts'
import { findHive } from '../engines/catalogs.ts'
import { freePort } from '../engines/shared-engine.ts'
import { makeCertificate } from '../support/certificate.ts'
import { openNamespace } from './support.ts'

for (const version of ['4.0.1', '3.1.3'] as const) {
  const hive = await findHive(version)
  if ('missing' in hive) test(`a real metastore ${version}`, ({ skip }) => skip(hive.missing))
  else {
    catalogSuite({ name: `Hive metastore ${version}`, open: () => openNamespace(hive.url) })

    test(`a metastore ${version} behind TLS is trusted by its authority`, async () => {
      using certificate = makeCertificate()
      const pem = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }
      const server = createServer(pem, (client) => {
        const upstream = connect(Number(new URL(hive.url).port), '127.0.0.1')
        client.pipe(upstream).pipe(client)
        for (const socket of [client, upstream]) socket.on('error', () => {})
      })
      const port = await freePort()
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
      const own = await openNamespace(`thrift://127.0.0.1:${port}?tls=true&ca=${certificate.ca}`)
      expect(await own.catalog.listTables()).toEqual([])
      await own.close()
      server.close()
    })
  }
}
