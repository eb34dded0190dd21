/** What each question asks for, and the controls to choose it. */
import type { About } from '../messages.ts'
import { field, fill, h, select } from './dom.ts'

export interface Kind {
  name: string
  title: string
  text: string
  asks: readonly Asked[]
}

type Asked = 'steps' | 'window' | 'per' | 'gap' | 'field' | 'amount' | 'measure' | 'days' | 'events'

export const KINDS: readonly Kind[] = [
  {
    name: 'funnel',
    title: 'Funnel',
    text: 'How many persons take steps one after the other, within a time.',
    asks: ['steps', 'window', 'days'],
  },
  {
    name: 'retention',
    title: 'Retention',
    text: 'Of the persons who began in a period, how many come back later.',
    asks: ['per', 'days'],
  },
  {
    name: 'active',
    title: 'Active persons',
    text: 'Persons with at least one event, per period, and how many of them are new.',
    asks: ['per', 'events', 'days'],
  },
  {
    name: 'sessions',
    title: 'Sessions',
    text: 'Visits per period, and how long they last.',
    asks: ['per', 'gap', 'days'],
  },
  { name: 'paths', title: 'Paths', text: 'How visits begin: their first three events.', asks: ['days'] },
  {
    name: 'top',
    title: 'Top values',
    text: 'The values of a field with the most events or persons.',
    asks: ['field', 'measure', 'events', 'days'],
  },
  {
    name: 'revenue',
    title: 'Revenue per person',
    text: 'What persons bring per period: of all who were active, and of those who paid.',
    asks: ['amount', 'per', 'events', 'days'],
  },
  {
    name: 'percentiles',
    title: 'Percentiles',
    text: 'How the values of a number are spread.',
    asks: ['amount', 'events', 'days'],
  },
]

const STEPS_FIRST = 3
const STEPS_MAX = 10
const NUMBER = /^(int|long|double|decimal)/

/** Fills the controls of a kind; returns how to read what was chosen. */
export function analysisForm(host: HTMLElement, kind: Kind, about: About): () => Record<string, unknown> {
  const parts = kind.asks.map((asked) => CONTROLS[asked](about))
  fill(
    host,
    parts.map(({ element }) => element),
  )
  return () => Object.assign({}, ...parts.map(({ read }) => read())) as Record<string, unknown>
}

interface Control {
  element: HTMLElement
  read(): Record<string, unknown>
}

const CONTROLS: Record<Asked, (about: About) => Control> = {
  steps: stepsControl,
  window: () =>
    choice(
      'Within',
      'windowHours',
      [
        ['1', '1 hour'],
        ['24', '1 day'],
        ['168', '7 days'],
        ['720', '30 days'],
      ],
      '24',
      Number,
    ),
  per: () =>
    choice(
      'Per',
      'per',
      [
        ['day', 'Day'],
        ['week', 'Week'],
        ['month', 'Month'],
      ],
      'day',
    ),
  gap: () =>
    choice(
      'A visit ends after',
      'gapMinutes',
      [
        ['5', '5 minutes'],
        ['30', '30 minutes'],
        ['120', '2 hours'],
      ],
      '30',
      Number,
    ),
  measure: () =>
    choice(
      'Count',
      'measure',
      [
        ['events', 'Events'],
        ['subjects', 'Persons'],
      ],
      'events',
    ),
  days: () =>
    choice(
      'Of',
      'days',
      [
        ['0', 'All time'],
        ['1', 'Today'],
        ['7', 'Last 7 days'],
        ['30', 'Last 30 days'],
        ['90', 'Last 90 days'],
      ],
      '30',
      Number,
    ),
  field: ({ fields }) =>
    choice(
      'Field',
      'field',
      fields.map((name) => [name, name]),
      fields.includes('event_type') ? 'event_type' : fields[0]!,
    ),
  amount: ({ events }) => {
    const numbers = new Set(
      events.flatMap(({ properties }) =>
        properties.filter(({ type }) => NUMBER.test(type)).map(({ name }) => name),
      ),
    )
    return choice(
      'Number',
      'field',
      [...numbers].map((name) => [name, name]),
      [...numbers][0] ?? '',
    )
  },
  events: ({ events }) => {
    const control = choice(
      'Events',
      'event',
      [['', 'All'], ...events.map(({ name }) => [name, name] as const)],
      '',
    )
    return {
      element: control.element,
      read: () => {
        const { event } = control.read()
        return { events: event === '' ? [] : [event] }
      },
    }
  },
}

function choice(
  label: string,
  name: string,
  options: readonly (readonly [string, string])[],
  first: string,
  convert: (value: string) => unknown = String,
): Control {
  const control = select(options, first)
  return { element: field(label, control), read: () => ({ [name]: convert(control.value) }) }
}

function stepsControl({ events }: About): Control {
  const options = events.map(({ name }) => [name, name] as const)
  const list = h('ol', { class: 'steps plain' })
  const add = h('button', { type: 'button' }, 'Add a step')
  const remove = h('button', { type: 'button' }, 'Remove the last')
  const state = () => {
    add.disabled = list.childElementCount >= STEPS_MAX
    remove.disabled = list.childElementCount <= 1
  }
  const addStep = () => {
    const number = list.childElementCount
    const control = select(options, options[Math.min(number, options.length - 1)]?.[0])
    list.append(h('li', {}, field(`Step ${number + 1}`, control)))
    state()
  }
  add.addEventListener('click', addStep)
  remove.addEventListener('click', () => {
    list.lastElementChild?.remove()
    state()
  })
  for (let i = 0; i < Math.min(STEPS_FIRST, Math.max(events.length, 1)); i++) addStep()
  return {
    element: h('div', { class: 'steps-control' }, list, h('div', { class: 'buttons' }, add, remove)),
    read: () => ({ steps: [...list.querySelectorAll('select')].map(({ value }) => value) }),
  }
}
