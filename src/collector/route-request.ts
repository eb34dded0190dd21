import type { IncomingMessage } from 'node:http'
import type { RouteRequest } from '../model/definition.ts'

/** What a handler gets of its request. */
export class RouteView implements RouteRequest<Record<string, string>, unknown> {
  readonly method: string
  readonly params: Record<string, string>
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: unknown
  readonly #url: string
  #query: Record<string, string> | undefined

  constructor(request: IncomingMessage, params: Record<string, string>, body: unknown) {
    this.method = request.method!
    this.params = params
    this.headers = request.headers as Record<string, string | undefined>
    this.body = body
    this.#url = request.url!
  }

  get path(): string {
    const mark = this.#url.indexOf('?')
    return mark < 0 ? this.#url : this.#url.slice(0, mark)
  }

  /** Of a name that stands twice, the first value. */
  get query(): Record<string, string> {
    if (this.#query === undefined) {
      this.#query = Object.create(null) as Record<string, string>
      const mark = this.#url.indexOf('?')
      if (mark >= 0) {
        for (const [name, value] of new URLSearchParams(this.#url.slice(mark + 1)))
          this.#query[name] ??= value
      }
    }
    return this.#query
  }
}
