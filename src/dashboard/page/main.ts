/** Where the page begins: which view the address names, and what stands above all of them. */
import { analyseView } from './analyse-view.ts'
import { consoleView } from './console-view.ts'
import { fill, h, setAttribute, setText } from './dom.ts'
import { flowView } from './flow-view.ts'
import { lettersView } from './letters-view.ts'
import { loadAbout } from './server.ts'
import { tablesView } from './tables-view.ts'
import { tailView } from './tail-view.ts'
import { addThemeSwitch } from './theme.ts'
import { problemBox, type View } from './view.ts'

const VIEWS: readonly View[] = [flowView, tailView, tablesView, consoleView, lettersView, analyseView]

const main = document.querySelector<HTMLElement>('#main')!
const links = new Map(VIEWS.map(({ name, title }) => [name, h('a', { href: `#/${name}` }, title)] as const))
let end: () => void = () => {}

function show(focus: boolean): void {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [name = '', ...rest] = path.split('/').map(decoded)
  const view = VIEWS.find((one) => one.name === name) ?? VIEWS[0]!
  for (const [of, link] of links) {
    if (of === view.name) {
      setAttribute(link, 'aria-current', 'page')
      // On a phone the views are wider than the screen.
      link.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    }
    if (of !== view.name) link.removeAttribute('aria-current')
  }
  document.title = `${view.title} – Landfall`
  end()
  void open(view, rest, new URLSearchParams(query))
  if (focus) {
    main.focus({ preventScroll: true })
    scrollTo(0, 0)
  }
}

/** An address may be written by hand. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

async function open(view: View, path: string[], query: URLSearchParams): Promise<void> {
  const stop = new AbortController()
  let close: void | (() => void)
  end = () => {
    stop.abort()
    close?.()
  }
  const host = h('div', { class: `view ${view.name}` })
  fill(main, host)
  try {
    const about = await loadAbout()
    setText(document.querySelector('#pipeline')!, about.pipeline)
    if (!stop.signal.aborted) close = view.draw(host, { about, path, query, signal: stop.signal })
  } catch (error) {
    if (!stop.signal.aborted) fill(host, h('h1', {}, view.title), problemBox(error))
  }
}

fill(
  document.querySelector('#views')!,
  h(
    'ul',
    {},
    [...links.values()].map((link) => h('li', {}, link)),
  ),
)
addThemeSwitch(document.querySelector<HTMLButtonElement>('#theme')!)
// The part behind # names the view, so the link cannot lead there by itself.
document.querySelector('.skip')!.addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
addEventListener('hashchange', () => show(true))
show(false)
