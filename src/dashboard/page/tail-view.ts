/** Events as they come, the newest first. */
import type { TailEvent, TailMessage } from '../messages.ts'
import { field, fill, h, select, setText } from './dom.ts'
import { clock, count, plural } from './format.ts'
import { listen } from './server.ts'
import { showLink, type View } from './view.ts'

/** Older ones leave the page, so that it stays as it is however long it is open. */
const SHOWN_MAX = 200
const TYPING_MS = 250

export const tailView: View = {
  name: 'live',
  title: 'Live',
  draw(host, { about, query }) {
    const type = select(
      [['', 'All events'], ...about.events.map(({ name }) => [name, name] as const)],
      query.get('type') ?? '',
    )
    const text = h('input', {
      type: 'search',
      autocomplete: 'off',
      placeholder: 'Anything in the event',
      value: query.get('text') ?? '',
    })
    const pause = h('button', { type: 'button', 'aria-pressed': 'false' }, 'Pause')
    const note = h('p', { class: 'soft', role: 'status' })
    const list = h('ol', { class: 'events plain', 'aria-label': 'Events, the newest first' })
    fill(
      host,
      h('h1', {}, 'Live'),
      h('div', { class: 'controls' }, field('Event', type), grow(field('Text', text)), pause, note),
      list,
    )
    let seen = 0
    let skipped = 0
    let paused = false
    const say = () => {
      const left = skipped === 0 ? '' : `, ${count(skipped)} more were too many to show`
      setText(note, `${paused ? 'Paused. ' : ''}${plural(seen, 'event')}${left}`)
    }
    const stream = listen(
      () => `ui/api/tail?${new URLSearchParams({ type: type.value, text: text.value })}`,
      {
        events(data) {
          if (paused) return
          const message = JSON.parse(data) as TailMessage
          // A stream that begins again (the page was hidden, the connection lost) begins with events that are here already.
          const here = new Set([...list.children].map((row) => (row as HTMLElement).dataset['place']))
          const fresh = message.events.filter((event) => !here.has(placeOf(event)))
          seen += fresh.length
          skipped += message.skipped
          for (const event of fresh) list.prepend(eventRow(event))
          while (list.childElementCount > SHOWN_MAX) list.lastElementChild!.remove()
          say()
        },
      },
      showLink,
    )
    const again = () => {
      seen = 0
      skipped = 0
      list.replaceChildren()
      if (!paused) stream.restart()
      say()
    }
    let typing: number | undefined
    type.addEventListener('change', again)
    text.addEventListener('input', () => {
      clearTimeout(typing)
      typing = window.setTimeout(again, TYPING_MS)
    })
    pause.addEventListener('click', () => {
      paused = !paused
      pause.setAttribute('aria-pressed', String(paused))
      setText(pause, paused ? 'Go on' : 'Pause')
      // What came meanwhile is not made up for: going on begins with the last events.
      if (paused) say()
      else again()
    })
    return () => {
      clearTimeout(typing)
      stream.close()
      showLink('open')
    }
  },
}

function grow(element: HTMLElement): HTMLElement {
  element.classList.add('grow')
  return element
}

/** One line; opened, the whole event. What is in it is made when somebody opens it. */
function eventRow(event: TailEvent): HTMLElement {
  const summary = h(
    'summary',
    {},
    h('time', {}, clock(event.at)),
    h('span', { class: 'type' }, event.type ?? 'no event_type'),
    h('code', {}, restOf(event)),
  )
  const details = h('details', {}, summary)
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1)
      details.append(
        h('pre', {}, pretty(event.text)),
        h('p', { class: 'soft' }, `partition ${event.partition}, offset ${event.offset}, id ${event.id}`),
      )
  })
  return h('li', { 'data-place': placeOf(event) }, details)
}

function placeOf({ partition, offset }: TailEvent): string {
  return `${partition} ${offset}`
}

/** The event without what the line says already. */
function restOf({ text }: TailEvent): string {
  return text.replace(/"event_type"\s*:\s*"[^"]*"\s*,?\s*/, '').slice(0, 400)
}

export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
