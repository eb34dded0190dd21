/** The first view: the flow as a picture, what is wrong, and whether the sum adds up. */
import type { Flow, Problem } from '../messages.ts'
import { createCommitsChart } from './commits-chart.ts'
import { fill, h } from './dom.ts'
import { createFlowPicture } from './flow-picture.ts'
import { count } from './format.ts'
import { createLedgerPanel } from './ledger-panel.ts'
import { type LinkState, listen } from './server.ts'
import { showLink, type View } from './view.ts'

/** “3 s ago” grows older while nothing is told. */
const AGE_MS = 5000

export const flowView: View = {
  name: 'flow',
  title: 'Flow',
  draw(host) {
    const problems = h('div', { class: 'problems', role: 'status', 'aria-live': 'polite' })
    const picture = createFlowPicture(h('div', { class: 'picture' }))
    const ledger = createLedgerPanel()
    const chart = createCommitsChart()
    const refusals = h('div', { class: 'refusals' })
    fill(
      host,
      h('h1', { class: 'away' }, 'Flow'),
      problems,
      picture.element,
      h(
        'div',
        { class: 'columns' },
        ledger.element,
        h(
          'section',
          { class: 'panel', 'aria-labelledby': 'commits-title' },
          h('div', { class: 'panel-head' }, h('h2', { id: 'commits-title' }, 'Landed, per commit')),
          chart.element,
        ),
      ),
      refusals,
    )
    let last: Flow | undefined
    let said = ''
    const showProblems = (found: readonly Problem[], failure?: string) => {
      const key = JSON.stringify([found, failure])
      if (key === said) return
      said = key
      picture.element.classList.toggle('stale', failure !== undefined)
      fill(
        problems,
        failure === undefined
          ? problemList(found)
          : notice('bad', `The flow cannot be seen: ${failure}`, 'The figures below are of before'),
      )
    }
    const show = (flow: Flow) => {
      last = flow
      picture.show(flow)
      ledger.show(flow.ledger)
      chart.show(flow.commits)
      showProblems(flow.problems)
      showRefusals(refusals, flow)
    }
    const onLink = (state: LinkState) => {
      showLink(state)
      if (state === 'waiting') showProblems([], 'the server does not answer')
    }
    const stream = listen(
      () => 'ui/api/flow',
      {
        flow: (data) => show(JSON.parse(data) as Flow),
        failed: (data) => showProblems([], JSON.parse(data) as string),
      },
      onLink,
    )
    const timer = setInterval(() => {
      if (last !== undefined && !document.hidden) picture.show(last)
    }, AGE_MS)
    return () => {
      clearInterval(timer)
      stream.close()
      picture.close()
      chart.close()
      showLink('open')
    }
  },
}

function problemList(problems: readonly Problem[]): HTMLElement {
  if (problems.length === 0) return h('p', { class: 'fine' }, 'Everything is in order.')
  return h(
    'ul',
    { class: 'plain' },
    problems.map(({ level, text, hint }) => h('li', {}, notice(level, text, hint))),
  )
}

function notice(level: 'warn' | 'bad', text: string, hint: string): HTMLElement {
  return h('div', { class: `notice ${level}` }, h('p', {}, text), h('p', { class: 'soft' }, hint))
}

function showRefusals(host: HTMLElement, { door }: Flow): void {
  const key = JSON.stringify(door.refusals)
  if (key === host.dataset['shown']) return
  host.dataset['shown'] = key
  if (door.refusals.length === 0) return fill(host)
  fill(
    host,
    h(
      'section',
      { class: 'panel', 'aria-labelledby': 'refusals-title' },
      h('div', { class: 'panel-head' }, h('h2', { id: 'refusals-title' }, 'Refused at the door, ever')),
      h(
        'dl',
        { class: 'pairs' },
        door.refusals.map(({ reason, status, count: times }) =>
          h('div', {}, h('dt', {}, h('code', {}, reason), ` ${status}`), h('dd', {}, count(times))),
        ),
      ),
      h('p', { class: 'soft' }, 'Nothing of this was accepted; each sender was told why.'),
    ),
  )
}
