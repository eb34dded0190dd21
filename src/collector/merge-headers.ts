import type { IncomingHttpHeaders } from 'node:http'
import { isCredentialHeader } from '../model/headers.ts'
import { OWN_NAMES } from '../model/names.ts'
import type { CompiledPipeline } from '../model/pipeline.ts'

interface NamedHeader {
  /** As it stands in the event: with its usual capitals. */
  name: string
  /** As Node gives it. */
  lower: string
  /** `,"User-Agent":` */
  prefix: string
}

/**
 * Puts the request headers that the pipeline names behind an event's own fields, or beside the event. Made once per
 * collector. Credentials are never taken, whatever the pipeline names. A header with a name of ours (in any case) or of a property of the plan is left out: a client cannot set those
 * by a header.
 */
export class HeaderMerger {
  readonly #headers: readonly NamedHeader[]
  readonly #secrets: readonly string[]

  constructor(compiled: CompiledPipeline) {
    const taken = new Set(OWN_NAMES)
    for (const event of Object.values(compiled.plan.events)) {
      for (const property of event.properties) taken.add(property.name)
    }
    this.#headers = compiled.headers
      .map((name) => ({ name, lower: name.toLowerCase(), prefix: `,${JSON.stringify(name)}:` }))
      .filter(
        ({ name, lower }) =>
          !isCredentialHeader(lower) && !taken.has(lower.replaceAll('-', '_')) && !taken.has(name),
      )
    this.#secrets = compiled.sources.flatMap((source) => (source.writeKey === null ? [] : [source.writeKey]))
  }

  /** The text of a route's event: `event_type` first, then its own fields, then the named headers it does not have. */
  encode(eventType: string, properties: object, headers: IncomingHttpHeaders): string {
    const own = properties as Record<string, unknown>
    let text = `{"event_type":${JSON.stringify(eventType)}`
    for (const name of Object.keys(own)) {
      if (name === 'event_type') continue
      const value = JSON.stringify(own[name])
      if (value !== undefined) text += `,${JSON.stringify(name)}:${value}`
    }
    for (const { name, lower, prefix } of this.#headers) {
      const value = this.#value(headers[lower])
      if (value !== undefined && !(Object.hasOwn(own, name) && own[name] !== undefined))
        text += prefix + JSON.stringify(value)
    }
    return `${text}}`
  }

  /** The named headers of a request as a JSON object, for the record header `h`; undefined when it has none. */
  beside(headers: IncomingHttpHeaders): string | undefined {
    let text = ''
    for (const { lower, prefix } of this.#headers) {
      const value = this.#value(headers[lower])
      if (value !== undefined) text += prefix + JSON.stringify(value)
    }
    return text === '' ? undefined : `{${text.slice(1)}}`
  }

  /** A header's text. One that holds a write key (a `Referer` with a beacon's `?key=`) is not taken. */
  #value(value: string | string[] | undefined): string | undefined {
    if (value === undefined) return undefined
    const text = typeof value === 'string' ? value : value.join(', ')
    for (const secret of this.#secrets) if (text.includes(secret)) return undefined
    return isAscii(text) ? text : utf8(text)
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

/** Node hands bytes over as Latin-1. Where they are UTF-8, they are read as that. */
function utf8(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  const decoded = bytes.toString('utf8')
  return decoded.includes('\ufffd') ? text : decoded
}
