/**
 * `hdfs://namenode:8020/path?http=namenode:9870,standby:9870&user=landfall&tls=true`: the first part is what Spark, Trino and Hive open
 * and what Iceberg metadata names; `http` is where we talk to the same NameNode, by WebHDFS.
 */
import { userInfo } from 'node:os'
import { badUrl, readUrl } from '../../remote/location-url.ts'

export interface HdfsLocation {
  /** `hdfs://namenode:8020/path`, no trailing slash. */
  url: string
  /** Absolute path of the root in the file system; `/` alone is the empty text. */
  root: string
  /** `http://namenode:9870` of each NameNode; one of several is active. */
  namenodes: string[]
  user: string
}

const HTTP_PORT = 9870
const HTTPS_PORT = 9871

export function locateHdfs(url: string, environment: NodeJS.ProcessEnv): HdfsLocation {
  const { host, path, parameters } = readUrl(url, 'hdfs', ['http', 'user', 'tls'])
  if (host === '') throw badUrl(url, 'expected hdfs://namenode:port/path, found no NameNode')
  const tls = parameters.get('tls')
  if (tls !== null && tls !== 'true' && tls !== 'false')
    throw badUrl(url, `tls must be true or false, found ${tls}`)
  const scheme = tls === 'true' ? 'https' : 'http'
  const port = tls === 'true' ? HTTPS_PORT : HTTP_PORT
  const listed = (parameters.get('http') || host.replace(/:\d+$/, '')).split(',').map((one) => one.trim())
  const namenodes = listed.map((one) => `${scheme}://${/:\d+$/.test(one) ? one : `${one}:${port}`}`)
  const wrong = namenodes.find((one) => !URL.canParse(one) || new URL(one).pathname !== '/')
  if (wrong !== undefined) throw badUrl(url, `http must be host:port of WebHDFS, found ${wrong}`)
  const root = path === '' ? '' : `/${path}`
  const user = parameters.get('user') || environment['HADOOP_USER_NAME'] || userInfo().username
  return { url: `hdfs://${host}${root}`, root, namenodes, user }
}
