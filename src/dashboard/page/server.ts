/** Asks the server that the page came from. */
import type { About, Failure } from '../messages.ts'

/** What a person is told. `hint`: what to do about it. */
export class ServerError extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return read<T>(path, signal === undefined ? {} : { signal })
}

export async function postJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return read<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-landfall-page': '1' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  })
}

async function read<T>(path: string, options: RequestInit): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(path, options)
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error
    throw new ServerError('The server does not answer', 'It may be starting again; try once more')
  }
  if (answer.ok) return (await answer.json()) as T
  const failure = (await answer.json().catch(() => ({}))) as Partial<Failure>
  throw new ServerError(failure.error ?? `${answer.status} ${answer.statusText}`, failure.hint)
}

/** Whether the stream is open; told when that changes. */
export type LinkState = 'open' | 'waiting'

/**
 * Server-sent events of one address, while somebody can see the page: a hidden page closes its stream, and asks again when it is looked
 * at. The browser asks again by itself when the server has gone; where it gives up (an error instead of a stream), this asks on.
 */
export function listen(
  path: () => string,
  handlers: Record<string, (data: string) => void>,
  onLink: (state: LinkState) => void = () => {},
): { restart(): void; close(): void } {
  let source: EventSource | undefined
  let again: number | undefined
  let closed = false
  const stop = () => {
    clearTimeout(again)
    source?.close()
    source = undefined
  }
  const start = () => {
    stop()
    if (closed || document.hidden) return
    const opened = new EventSource(path())
    source = opened
    opened.addEventListener('open', () => onLink('open'))
    opened.addEventListener('error', () => {
      onLink('waiting')
      if (opened.readyState === EventSource.CLOSED) again = window.setTimeout(start, 3000)
    })
    for (const [name, handler] of Object.entries(handlers))
      opened.addEventListener(name, (event) => handler((event as MessageEvent<string>).data))
  }
  const onVisibility = () => (document.hidden ? stop() : start())
  document.addEventListener('visibilitychange', onVisibility)
  start()
  return {
    restart: start,
    close() {
      closed = true
      stop()
      document.removeEventListener('visibilitychange', onVisibility)
    },
  }
}

let about: Promise<About> | undefined

/** Asked once; again after a failure. */
export function loadAbout(): Promise<About> {
  about ??= getJson<About>('ui/api/about').catch((error: unknown) => {
    about = undefined
    throw error
  })
  return about
}
