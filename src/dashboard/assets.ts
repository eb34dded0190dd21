/**
 * The files of the page. In the repository they are TypeScript, handed out with the types stripped; in the published package they
 * are compiled. Either way a module's import names the very file that is there. Each is read and compressed once, at its first request.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { notFound, SECURITY_HEADERS } from './http.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Where modules and styles are, below the page's own address. */
const PREFIX = 'ui/page/'

interface Asset {
  type: string
  etag: string
  plain: Buffer
  br: Buffer
  gzip: Buffer
}

export class Assets {
  readonly #directory: string
  readonly #names: string[]
  readonly #known = new Map<string, Asset>()

  constructor(directory = join(import.meta.dirname, 'page')) {
    this.#directory = directory
    this.#names = readdirSync(directory).filter(
      (name) => extname(name) in TYPES && !name.endsWith('.d.ts') && name !== 'index.html',
    )
  }

  /** Sends a file by its name. Throws `dashboard/not-found`. */
  send(request: IncomingMessage, response: ServerResponse, name: string): void {
    const asset = this.#find(name)
    const headers = {
      ...SECURITY_HEADERS,
      'content-type': asset.type,
      // Asked for again each time, and answered with nothing when it is the same: a new version is there at once.
      'cache-control': 'no-cache',
      etag: asset.etag,
      vary: 'accept-encoding',
    }
    if (request.headers['if-none-match'] === asset.etag) return void response.writeHead(304, headers).end()
    const accepted = String(request.headers['accept-encoding'] ?? '')
    const encoding = /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : undefined
    const body = encoding === undefined ? asset.plain : asset[encoding]
    response
      .writeHead(200, {
        ...headers,
        'content-length': body.length,
        ...(encoding ? { 'content-encoding': encoding } : {}),
      })
      .end(request.method === 'HEAD' ? undefined : body)
  }

  #find(name: string): Asset {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    if (name !== 'index.html' && !this.#names.includes(name)) throw notFound(`the page has no file ${name}`)
    const asset = assetOf(extname(name), this.#read(name))
    this.#known.set(name, asset)
    return asset
  }

  #read(name: string): string {
    const text = readFileSync(join(this.#directory, name), 'utf8')
    if (name.endsWith('.ts')) return stripTypes(text)
    return name === 'index.html' ? this.#withModules(text) : text
  }

  /** All modules are asked for at once, instead of each when another has named it. */
  #withModules(html: string): string {
    const modules = this.#names.filter((name) => /\.[jt]s$/.test(name)).toSorted()
    const entry = modules.find((name) => /^main\.[jt]s$/.test(name))!
    const links = modules.filter((name) => name !== entry)
    const preload = links.map((name) => `<link rel="modulepreload" href="${PREFIX}${name}">`)
    return html.replace(
      '<!-- modules -->',
      `${preload.join('')}<script type="module" src="${PREFIX}${entry}"></script>`,
    )
  }
}

/** Node warns that the function's options may change. Nobody who reads our output can do anything about that. */
function stripTypes(text: string): string {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(text)
  } finally {
    process.emitWarning = emitWarning
  }
}

function assetOf(extension: string, text: string): Asset {
  const plain = Buffer.from(text)
  return {
    type: TYPES[extension]!,
    etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
    plain,
    br: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
    gzip: gzipSync(plain),
  }
}
