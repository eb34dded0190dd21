/** What WebHDFS says against a request: `{"RemoteException":{"exception","javaClassName","message"}}` (WebHDFS REST API, "Error Responses"). */
import { LandfallError } from '../../../base/errors.ts'
import { Transient } from '../../remote/retry.ts'
import type { Exchanged } from './exchange.ts'

/** An answer about the name itself; whoever asked decides what it means. */
export class NameAnswer extends Error {
  readonly answer: 'absent' | 'exists'

  constructor(answer: 'absent' | 'exists', message: string) {
    super(message)
    this.answer = answer
  }
}

interface RemoteException {
  exception?: string
  message?: string
}

export function remoteError(what: string, address: string, answer: Exchanged): Error {
  const { status } = answer
  if (status === 401) return unauthorized(address, answer)
  const { exception = `HTTP ${status}`, message = '' } = parse(answer.body.toString())
  const reason = firstLine(message)
  switch (exception) {
    case 'FileNotFoundException':
    case 'ParentNotDirectoryException':
      return new NameAnswer('absent', reason)
    case 'FileAlreadyExistsException':
      return new NameAnswer('exists', reason)
    case 'StandbyException':
      return new Transient(`${address} is a standby NameNode`, false)
    case 'SafeModeException':
      return new Transient(`the NameNode ${address} is in safe mode`, false)
    case 'AccessControlException':
      // Of a path that leads through a file.
      if (/is not a directory/i.test(reason)) return new NameAnswer('absent', reason)
      return noPermission(what, reason)
    case 'SecurityException':
      return noPermission(what, reason)
    case 'DSQuotaExceededException':
    case 'NSQuotaExceededException':
      return new LandfallError('fix-config', 'storage/quota', `${what}: ${reason}`, {
        hint: 'Raise the quota of the directory',
      })
  }
  if (/safe mode/i.test(message)) return new Transient(`the NameNode ${address} is in safe mode`, false)
  const nobodyTakesIt =
    /could only be (written|replicated) to|Failed to find datanode|not able to place enough replicas/i
  if (nobodyTakesIt.test(message))
    return new Transient(`no DataNode takes or gives the block (${reason})`, true)
  // A DataNode that has just come back, a block that is being recovered, a NameNode that is starting.
  if (
    status >= 500 ||
    /RetriableException|ConnectException|SocketTimeout|IOException|BlockMissing|RemoteException/.test(
      exception,
    )
  )
    return new Transient(`${address}: ${exception}: ${reason}`, true)
  return new LandfallError('fix-config', 'storage/refused', `${what}: ${exception}: ${reason}`, {
    hint: 'Look at storage.url and at the log of the NameNode',
  })
}

function noPermission(what: string, reason: string): LandfallError {
  return new LandfallError('fix-config', 'storage/no-permission', `${what}: ${reason}`, {
    hint: 'Give the user of storage.url (?user=…, HADOOP_USER_NAME) the right to write there',
  })
}

function unauthorized(address: string, answer: Exchanged): LandfallError {
  const kerberos = /negotiate/i.test(answer.headers['www-authenticate'] ?? '')
  const message = kerberos ? `${address} demands Kerberos, which is not supported` : `${address} answered 401`
  return new LandfallError('fix-config', 'storage/kerberos', message, {
    hint: 'Use a cluster with simple authentication, or an object store (s3://)',
  })
}

function parse(body: string): RemoteException {
  try {
    return (JSON.parse(body) as { RemoteException?: RemoteException }).RemoteException ?? {}
  } catch {
    return { message: body }
  }
}

const firstLine = (message: string) => message.split('\n')[0]!.slice(0, 300)
