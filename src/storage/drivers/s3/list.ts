/** ListObjectsV2 (S3 API reference): up to 1,000 keys an answer, the next ones by continuation token. */
import type { StoredObject } from '../../storage.ts'
import type { S3Client } from './client.ts'
import { elements, firstText } from './xml.ts'

/** Objects below a prefix; `path` is the whole key. Names that end in a slash are markers of folders and are left out. */
export async function* listObjects(client: S3Client, prefix: string): AsyncIterable<StoredObject> {
  for await (const { xml, decode } of pages(client, { prefix })) {
    for (const entry of elements(xml, 'Contents')) {
      const path = decode(firstText(entry, 'Key') ?? '')
      if (path === '' || path.endsWith('/')) continue
      const bytes = Number(firstText(entry, 'Size'))
      const modifiedAt = Date.parse(firstText(entry, 'LastModified') ?? '')
      yield { path, bytes, modifiedAt }
    }
  }
}

/** Names of the folders directly below a prefix. */
export async function listFolders(client: S3Client, prefix: string): Promise<string[]> {
  const names: string[] = []
  for await (const { xml, decode } of pages(client, { prefix, delimiter: '/' })) {
    for (const entry of elements(xml, 'CommonPrefixes')) {
      const name = decode(firstText(entry, 'Prefix') ?? '').slice(prefix.length, -1)
      if (name !== '') names.push(name)
    }
  }
  return names
}

interface Page {
  xml: string
  /** Keys may hold what XML cannot, so the store is asked to encode them; one that does not says so. */
  decode(key: string): string
}

async function* pages(client: S3Client, query: Record<string, string>): AsyncIterable<Page> {
  let token: string | undefined
  do {
    const more = token === undefined ? {} : { 'continuation-token': token }
    const all = { 'list-type': '2', 'encoding-type': 'url', ...query, ...more }
    const xml = (await client.request({ method: 'GET', query: all })).body.toString()
    const isEncoded = firstText(xml, 'EncodingType') === 'url'
    yield { xml, decode: (key) => (isEncoded ? decodeURIComponent(key.replaceAll('+', ' ')) : key) }
    token = firstText(xml, 'IsTruncated') === 'true' ? firstText(xml, 'NextContinuationToken') : undefined
  } while (token !== undefined)
}
