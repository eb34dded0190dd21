/** Certificates for tests, made by openssl: one authority, and a server certificate for 127.0.0.1 and localhost signed by it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestCertificate extends Disposable {
  /** Certificate of the authority, for clients. */
  ca: string
  /** PEM files of the server. */
  cert: string
  key: string
  /** Another certificate and key in the same files, signed by the same authority; each file is replaced whole. */
  renew(commonName: string): void
}

export function makeCertificate(): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'landfall-tls-'))
  const file = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const key = (path: string) => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    path,
  ]
  openssl(
    'req',
    '-x509',
    ...key(file('ca.key')),
    '-out',
    file('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=Landfall tests',
  )
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n')
  let serial = 1
  const renew = (commonName: string) => {
    openssl('req', '-new', ...key(file('new.key')), '-out', file('new.csr'), '-subj', `/CN=${commonName}`)
    const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-set_serial', String(serial++)]
    openssl(
      'x509',
      '-req',
      '-in',
      file('new.csr'),
      ...signer,
      '-days',
      '2',
      '-extfile',
      file('names'),
      '-out',
      file('new.pem'),
    )
    renameSync(file('new.key'), file('server.key'))
    renameSync(file('new.pem'), file('server.pem'))
  }
  renew('first')
  return {
    ca: file('ca.pem'),
    cert: file('server.pem'),
    key: file('server.key'),
    renew,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
