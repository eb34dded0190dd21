/** The text of a statement, with completion: arrow keys choose, Tab or Enter takes, Escape closes. */
import type { Names } from '../messages.ts'
import { complete } from './completion.ts'
import { fill, h, newId } from './dom.ts'

export interface Editor {
  readonly element: HTMLElement
  readonly input: HTMLTextAreaElement
}

/** `names` are asked for when somebody begins to type. */
export function createEditor(names: () => Promise<Names>, onRun: () => void): Editor {
  const list = h('ul', {
    class: 'completion plain',
    role: 'listbox',
    id: newId('completion'),
    'aria-label': 'Completion',
    hidden: true,
  })
  const input = h('textarea', {
    rows: 7,
    spellcheck: 'false',
    autocomplete: 'off',
    autocapitalize: 'off',
    role: 'combobox',
    'aria-autocomplete': 'list',
    'aria-expanded': 'false',
    'aria-controls': list.id,
    'aria-label': 'SQL statement',
  })
  let known: Names | undefined
  let words: string[] = []
  let start = 0
  let at = 0
  let chosen = false

  const close = () => {
    words = []
    list.hidden = true
    input.setAttribute('aria-expanded', 'false')
    input.removeAttribute('aria-activedescendant')
  }
  const draw = () => {
    fill(
      list,
      words.map((word, i) =>
        h(
          'li',
          {
            role: 'option',
            id: `${list.id}-${i}`,
            'aria-selected': String(i === at),
            onmousedown: (event) => take(event, i),
          },
          word,
        ),
      ),
    )
    placeBelowWord(list, input, start)
    list.hidden = false
    input.setAttribute('aria-expanded', 'true')
    input.setAttribute('aria-activedescendant', `${list.id}-${at}`)
  }
  const take = (event: Event, i: number) => {
    event.preventDefault()
    input.setRangeText(words[i]!, start, input.selectionStart, 'end')
    close()
  }
  const open = async (asked: boolean) => {
    known ??= await names().catch(() => undefined)
    if (known === undefined || document.activeElement !== input) return close()
    const found = complete(known, input.value, input.selectionStart, asked)
    words = found.words
    start = found.start
    at = 0
    chosen = false
    if (words.length === 0) close()
    else draw()
  }
  input.addEventListener('input', () => void open(false))
  input.addEventListener('blur', close)
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      close()
      return onRun()
    }
    if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault()
      return void open(true)
    }
    if (words.length === 0) return
    if (event.key === 'Escape') close()
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      at = (at + (event.key === 'ArrowDown' ? (chosen ? 1 : 0) : -1) + words.length) % words.length
      chosen = true
      draw()
      // Enter makes a new line unless somebody has chosen.
    } else if (event.key === 'Tab' || (event.key === 'Enter' && chosen)) take(event, at)
    else if (['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key)) close()
  })
  return { element: h('div', { class: 'editor' }, input, list), input }
}

const LINE = 1.55
const PADDING = { x: 14, y: 10 }

/** Below the line of the word. A line that is wrapped cannot be told from outside: then below the whole text. */
function placeBelowWord(list: HTMLElement, input: HTMLTextAreaElement, start: number): void {
  const { fontSize, fontFamily } = getComputedStyle(input)
  const pen = document.createElement('canvas').getContext('2d')!
  pen.font = `${fontSize} ${fontFamily}`
  const letter = pen.measureText('0').width
  const lines = input.value.slice(0, start).split('\n')
  const room = input.clientWidth - 2 * PADDING.x
  const fits = lines.every((line) => line.length * letter < room)
  const top = PADDING.y + lines.length * LINE * Number.parseFloat(fontSize) + 4 - input.scrollTop
  const isSeen = fits && top > 0 && top < input.offsetHeight
  list.style.top = isSeen ? `${top}px` : '100%'
  list.style.left = `${isSeen ? Math.min(PADDING.x + lines.at(-1)!.length * letter, room - 200) : PADDING.x}px`
}
