/** Dead letters: why events did not land, which they are, and what a repair would make of them. */
import type { RepairPreview } from '../messages.ts'
import { field, fill, h, select, setText } from './dom.ts'
import { count, plural } from './format.ts'
import { listTable } from './grid.ts'
import { postJson } from './server.ts'
import { pretty } from './tail-view.ts'
import { ask, type Cell } from './trino.ts'
import { problemBox, type View, type ViewContext } from './view.ts'

const REASONS_MAX = 100
const LETTERS = 10
const REASONS = `SELECT reason, field, event_type, count(*) AS letters, CAST(max(received_at) AS varchar) AS last_at,
  max_by(detail, received_at) AS detail, sum(count(*)) OVER () AS total
FROM dead_letters GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT ${REASONS_MAX}`

interface Reason {
  reason: string
  field: string | null
  event: string | null
  letters: number
  lastAt: string
  detail: string
  /** Letters of all reasons, those that are not shown too. */
  total: number
}

export const lettersView: View = {
  name: 'dead-letters',
  title: 'Dead letters',
  draw(host, context) {
    const note = h('p', { class: 'soft', role: 'status' }, 'Reading dead letters')
    const reasons = h('div')
    const chosen = h('div', { class: 'chosen-reason' })
    fill(host, h('h1', {}, 'Dead letters'), note, reasons, chosen)
    readReasons(context).then(
      (found) => {
        const total = found[0]?.total ?? 0
        const more =
          found.length < REASONS_MAX ? '' : ` The ${REASONS_MAX} reasons with the most letters are shown.`
        setText(
          note,
          found.length === 0
            ? 'No event has failed the plan.'
            : `${plural(total, 'event')} did not fit the plan. Nothing of them is lost: choose a reason to see them and what a repair would do.${more}`,
        )
        if (found.length > 0)
          fill(
            reasons,
            reasonsTable(found, (one) => drawReason(chosen, one, context)),
          )
      },
      (error: unknown) => {
        setText(note, '')
        fill(reasons, problemBox(error))
      },
    )
  },
}

async function readReasons({ about, signal }: ViewContext): Promise<Reason[]> {
  const { rows } = await ask(REASONS, { user: about.user, rowsMax: REASONS_MAX, signal })
  return rows.map(([reason, of, event, letters, lastAt, detail, total]) => ({
    reason: String(reason),
    field: of as string | null,
    event: event as string | null,
    letters: Number(letters),
    lastAt: String(lastAt).slice(0, 19),
    detail: String(detail),
    total: Number(total),
  }))
}

function reasonsTable(found: readonly Reason[], choose: (reason: Reason) => void): HTMLElement {
  const buttons = new Map<Reason, HTMLButtonElement>()
  const table = listTable<Reason>(
    'Reasons',
    [
      {
        title: 'Reason',
        cell(reason) {
          const onclick = () => {
            for (const [of, one] of buttons) {
              one.setAttribute('aria-pressed', String(of === reason))
              one.closest('tr')!.classList.toggle('chosen', of === reason)
            }
            choose(reason)
          }
          const button = h(
            'button',
            { type: 'button', 'aria-pressed': 'false', class: 'choice', onclick },
            reason.reason,
          )
          buttons.set(reason, button)
          return button
        },
      },
      { title: 'Field', cell: (one) => (one.field === null ? '' : h('code', {}, one.field)) },
      { title: 'Event', cell: ({ event }) => event ?? '' },
      { title: 'Letters', number: true, cell: ({ letters }) => count(letters) },
      { title: 'Last (UTC)', cell: ({ lastAt }) => lastAt },
      { title: 'The newest of them', wrap: true, cell: ({ detail }) => detail },
    ],
    found,
  )
  return table
}

function drawReason(host: HTMLElement, reason: Reason, context: ViewContext): void {
  const letters = h('div', {}, h('p', { class: 'soft' }, 'Reading'))
  fill(
    host,
    context.about.repairs === null ? null : repairPanel(reason, context.about.repairs, context.signal),
    h(
      'section',
      { class: 'panel', 'aria-labelledby': 'letters-title' },
      h('h2', { id: 'letters-title' }, 'The newest letters'),
      letters,
    ),
  )
  ask(lettersSql(reason), { user: context.about.user, rowsMax: LETTERS, signal: context.signal }).then(
    ({ rows }) => fill(letters, h('ol', { class: 'letters plain' }, rows.map(letterItem))),
    (error: unknown) => fill(letters, problemBox(error)),
  )
}

function lettersSql({ reason, field: of, event }: Reason): string {
  const is = (column: string, value: string | null) =>
    value === null ? `${column} IS NULL` : `${column} = '${value.replaceAll("'", "''")}'`
  return `SELECT CAST(received_at AS varchar), source, detail, raw_event, event_id FROM dead_letters
WHERE ${is('reason', reason)} AND ${is('field', of)} AND ${is('event_type', event)} ORDER BY received_at DESC LIMIT ${LETTERS}`
}

function letterItem([receivedAt, source, detail, raw, id]: Cell[]): HTMLElement {
  return h(
    'li',
    {},
    h('p', {}, String(detail)),
    h('p', { class: 'soft' }, `${String(receivedAt)} from ${String(source) || 'a route'}, id ${String(id)}`),
    h('pre', {}, pretty(String(raw))),
  )
}

function repairPanel(reason: Reason, repairs: readonly string[], signal: AbortSignal): HTMLElement {
  const repair = select([
    ['', 'None: by the present plan, as they stand'],
    ...repairs.map((name) => [name, name] as const),
  ])
  const result = h('div', { role: 'status' })
  const button = h('button', { type: 'button', class: 'first' }, 'Preview')
  button.addEventListener('click', () => {
    button.disabled = true
    fill(result, h('p', { class: 'soft' }, 'Running the repair over these letters'))
    const filter = { reason: reason.reason, field: reason.field, event: reason.event }
    postJson<RepairPreview>('ui/api/repairs', { repair: repair.value || null, filter }, signal)
      .then(
        (preview) => fill(result, previewOf(preview, repair.value)),
        (error: unknown) => fill(result, problemBox(error)),
      )
      .finally(() => {
        button.disabled = false
        button.focus()
      })
  })
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'repair-title' },
    h('div', { class: 'panel-head' }, h('h2', { id: 'repair-title' }, 'What a repair would do')),
    h('div', { class: 'controls' }, field('Repair', repair), button),
    result,
  )
}

function previewOf(
  { letters, heals, remains, healedBefore, onTheirWay, groups, examples }: RepairPreview,
  repair: string,
): HTMLElement[] {
  const command = `landfall deadletters replay PIPELINE${repair === '' ? '' : ` --repair ${repair}`} --apply`
  return [
    h(
      'p',
      { class: 'preview-sum' },
      `${plural(letters, 'letter')}: ${count(heals)} would heal, ${count(remains)} would remain`,
      healedBefore + onTheirWay > 0 ? `, ${count(healedBefore + onTheirWay)} are healed already` : '',
      '.',
    ),
    h(
      'p',
      { class: 'soft' },
      heals > 0
        ? ['Nothing has been changed. To heal them: ', h('code', {}, command)]
        : 'Nothing has been changed.',
    ),
    ...(groups.length === 0 ? [] : [h('h3', {}, 'What would remain'), groupsTable(groups)]),
    ...(examples.length === 0
      ? []
      : [
          h('h3', {}, 'Before and after'),
          h(
            'ol',
            { class: 'pairs-of-text plain' },
            examples
              .slice(0, 5)
              .map(({ before, after }) =>
                h(
                  'li',
                  {},
                  h('pre', { class: 'before' }, before),
                  h('pre', { class: 'after' }, before === after ? 'as it stands' : after),
                ),
              ),
          ),
        ]),
  ]
}

function groupsTable(groups: RepairPreview['groups']): HTMLElement {
  return listTable<RepairPreview['groups'][number]>(
    'What would remain',
    [
      { title: 'Letters', number: true, cell: ({ letters }) => count(letters) },
      { title: 'Why', cell: ({ why }) => why },
      { title: 'Reason', cell: ({ reason }) => reason },
      { title: 'Field', cell: (one) => one.field ?? '' },
      { title: 'Event', cell: ({ event }) => event ?? '' },
      { title: 'Detail', wrap: true, cell: ({ detail }) => detail },
    ],
    groups,
  )
}
