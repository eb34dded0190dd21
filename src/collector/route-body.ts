import { isUtf8 } from 'node:buffer'
import type { TSchema } from 'typebox'
import type { Compile, Validator } from 'typebox/compile'
import { refuse } from './answers.ts'
import type { CollectorSettings } from './limits.ts'
import type { Body } from './read-body.ts'
import { JsonScanner } from './scan-events.ts'
import { explainFault, invalidUtf8 } from './scan-faults.ts'

let compile: typeof Compile | undefined

/** Must have resolved before a parser with a schema is made. A pipeline without one starts without these 300 modules. */
export async function loadBodyCompiler(): Promise<void> {
  compile ??= (await import('typebox/compile')).Compile
}

/** Turns the bytes of a route's request into what its handler gets as `body`. */
export class RouteBodyParser {
  readonly #scanner: JsonScanner
  readonly #validator: Validator | undefined
  readonly #required: boolean

  constructor(schema: TSchema | undefined, settings: CollectorSettings) {
    const { depthMax } = settings
    this.#scanner = new JsonScanner(
      { depthMax, eventsMax: 1, eventBytesMax: settings.inflatedBytesMax },
      null,
    )
    this.#validator = schema === undefined ? undefined : compile!(schema)
    this.#required = schema !== undefined
  }

  /**
   * With a schema: JSON that fits it, or `collector/malformed-body` (not JSON), `collector/invalid-body` (does not fit),
   * `collector/media-type`. Without: JSON when the request says so, else the text, undefined when there is no body.
   */
  parse(body: Body | undefined, contentType: string | undefined): unknown {
    const type = contentType?.split(';', 1)[0]!.trim().toLowerCase()
    const json = type === undefined || type === 'application/json' || type.endsWith('+json')
    if (body === undefined || body.length === 0) {
      if (this.#required) throw refuse('invalid-body', 'the request has no body', 'Send a JSON body')
      return undefined
    }
    if (!json) {
      if (this.#required) {
        throw refuse(
          'media-type',
          `a body of type ${type!.slice(0, 80)}`,
          'Send JSON with Content-Type: application/json',
        )
      }
      return body.bytes.toString('utf8', 0, body.length)
    }
    if (contentType === undefined && !this.#required) return body.bytes.toString('utf8', 0, body.length)
    const value = this.#json(body)
    this.#validate(value)
    return value
  }

  #json(body: Body): unknown {
    const bytes = body.bytes.subarray(0, body.length)
    if (!isUtf8(bytes)) throw invalidUtf8(bytes)
    if (!this.#scanner.scanValue(body.bytes, body.length)) throw explainFault(this.#scanner.fault!, bytes)
    return JSON.parse(bytes.toString('utf8'))
  }

  #validate(value: unknown): void {
    if (this.#validator === undefined || this.#validator.Check(value)) return
    const [first] = this.#validator.Errors(value)
    const field = (first?.instancePath ?? '').replace(/^\//, '').replaceAll('/', '.')
    throw refuse(
      'invalid-body',
      `the body${field === '' ? '' : ` at ${field}`} ${first?.message ?? 'does not fit'}`,
      'Correct it and send it again',
      {
        field,
      },
    )
  }
}
