/** Questions about the stories of acts.ts, with answers that were worked out by hand. */
import {
  type Analysis,
  activeUsers,
  funnel,
  paths,
  percentiles,
  retention,
  revenuePerUser,
  sessions,
  topN,
} from '../../../src/report/analytics.ts'
import { acts, rawActs } from './acts.ts'

export interface Case {
  name: string
  analysis: Analysis
  rows: unknown[][]
}

const HOUR = 3_600_000
const steps = [{ event: 'look' }, { event: 'choose' }, { event: 'buy' }]
const amount = { column: 'amount' }

export const CASES: Case[] = [
  {
    name: 'funnel: order, window edges, new beginnings, events at one moment, nobody',
    analysis: funnel({ from: acts('steps'), steps, windowMs: HOUR }),
    rows: [
      // all, edge, late, again, mixed, backwards, atonce
      [1, 'look', 7, 1, null],
      // not backwards
      [2, 'choose', 6, 6 / 7, 6 / 7],
      // all, edge, again, atonce
      [3, 'buy', 4, 4 / 7, 4 / 6],
    ],
  },
  {
    name: 'funnel: the same out of events, where times are to the millisecond',
    analysis: funnel({ from: rawActs('steps'), steps, windowMs: HOUR }),
    rows: [
      [1, 'look', 7, 1, null],
      [2, 'choose', 6, 6 / 7, 6 / 7],
      // and late, whose microsecond is cut off
      [3, 'buy', 5, 5 / 7, 5 / 6],
    ],
  },
  {
    name: 'funnel: only what lies within since and until',
    analysis: funnel({
      from: acts('steps', {
        since: new Date('2026-11-02T10:00:00Z'),
        until: new Date('2026-11-02T11:00:00Z'),
      }),
      steps,
      windowMs: HOUR,
    }),
    rows: [
      [1, 'look', 7, 1, null],
      [2, 'choose', 6, 6 / 7, 6 / 7],
      // without edge
      [3, 'buy', 3, 3 / 7, 3 / 6],
    ],
  },
  {
    name: 'funnel: a step that comes again takes another event',
    analysis: funnel({
      from: acts('twice'),
      steps: [{ event: 'buy' }, { event: 'buy', title: "another's" }],
      windowMs: 24 * HOUR,
    }),
    rows: [
      [1, 'buy', 3, 1, null],
      [2, "another's", 2, 2 / 3, 2 / 3],
    ],
  },
  {
    name: 'funnel: conditions of a step, and any event',
    analysis: funnel({
      from: acts('twice'),
      steps: [
        { where: [{ field: amount, is: '<', value: 2.5 }] },
        { event: ['buy', 'look'], where: [{ field: amount, is: 'in', value: [50, 51] }] },
        {},
      ],
      windowMs: 48 * HOUR,
    }),
    rows: [
      [1, 'any event', 3, 1, null],
      [2, 'buy or look', 1, 1 / 3, 1 / 3],
      [3, 'any event', 1, 1 / 3, 1],
    ],
  },
  {
    name: 'funnel: of nothing',
    analysis: funnel({ from: acts('nobody knows'), steps: steps.slice(0, 2), windowMs: HOUR }),
    rows: [
      [1, 'look', 0, null, null],
      [2, 'choose', 0, null, null],
    ],
  },
  {
    name: 'sessions: the gap to the microsecond, midnight, ties',
    analysis: sessions({ from: acts('visits'), per: 'day' }),
    rows: [
      // a: 30 minutes; a: one event; b: 27 minutes, begun before midnight
      ['2026-11-02', 3, 2, 8, 1620, 1800],
      ['2026-11-03', 1, 1, 2, 0, 0],
    ],
  },
  {
    name: 'sessions: by a field of their own',
    analysis: sessions({ from: acts('named', { session: { column: 'visit' } }), per: 'week' }),
    rows: [['2026-11-02', 3, 2, 4, 0, 43_200]],
  },
  {
    name: 'paths: the first events of visits',
    analysis: paths({ from: acts('visits'), length: 3 }),
    rows: [
      ['choose', 'look', null, 1, 0.25],
      ['look', 'buy', null, 1, 0.25],
      ['look', 'choose', 'buy', 1, 0.25],
      ['look', null, null, 1, 0.25],
    ],
  },
  {
    name: 'paths: the most frequent of them',
    analysis: paths({ from: acts('visits'), length: 1, top: 1 }),
    rows: [['look', 3, 0.75]],
  },
  {
    name: 'active users: days',
    analysis: activeUsers({ from: acts('borders', { until: new Date('2026-11-09T00:00:00Z') }), per: 'day' }),
    rows: [
      ['2026-10-31', 1, 1, 1],
      ['2026-11-01', 2, 1, 2],
      ['2026-11-02', 1, 0, 1],
      ['2026-11-08', 1, 1, 1],
    ],
  },
  {
    name: 'active users: weeks from Monday',
    analysis: activeUsers({ from: acts('borders'), per: 'week' }),
    rows: [
      ['2026-10-26', 2, 2, 3],
      ['2026-11-02', 2, 1, 2],
      ['2026-11-09', 1, 0, 2],
      ['2026-11-16', 1, 0, 1],
    ],
  },
  {
    name: 'active users: months, out of events with times of another zone',
    analysis: activeUsers({ from: rawActs('borders'), per: 'month' }),
    rows: [
      ['2026-10-01', 1, 1, 1],
      ['2026-11-01', 3, 2, 7],
    ],
  },
  {
    name: 'active users: of two tables together',
    analysis: activeUsers({ from: [acts('borders'), acts('money')], per: 'month' }),
    rows: [
      ['2026-10-01', 1, 1, 1],
      ['2026-11-01', 4, 3, 14],
    ],
  },
  {
    name: 'retention: cohorts by week',
    analysis: retention({ from: acts('borders'), per: 'week' }),
    rows: [
      ['2026-10-26', 2, 0, 2, 1],
      ['2026-10-26', 2, 1, 1, 0.5],
      ['2026-10-26', 2, 2, 1, 0.5],
      ['2026-10-26', 2, 3, 1, 0.5],
      ['2026-11-02', 1, 0, 1, 1],
    ],
  },
  {
    name: 'retention: no further than asked',
    analysis: retention({ from: acts('borders'), per: 'day', periods: 1 }),
    rows: [
      ['2026-10-31', 1, 0, 1, 1],
      ['2026-10-31', 1, 1, 1, 1],
      ['2026-11-01', 1, 0, 1, 1],
      ['2026-11-01', 1, 1, 1, 1],
      ['2026-11-08', 1, 0, 1, 1],
    ],
  },
  {
    name: 'revenue: payers, refunds, nobody, a week without any',
    analysis: revenuePerUser({ from: acts('money'), amount, per: 'week' }),
    rows: [
      ['2026-11-02', 4, 2, 100, 25, 50],
      ['2026-11-09', 1, 0, null, null, null],
    ],
  },
  {
    name: 'revenue: exact decimals',
    analysis: revenuePerUser({ from: acts('money'), amount: { column: 'price' }, per: 'month' }),
    rows: [['2026-11-01', 4, 2, '25.00', 6.25, 12.5]],
  },
  {
    name: 'revenue: out of events',
    analysis: revenuePerUser({
      from: rawActs('money'),
      amount: { member: 'amount', type: 'bigint' },
      per: 'month',
    }),
    rows: [['2026-11-01', 4, 2, 100, 25, 50]],
  },
  {
    name: 'top: events, with ties in the order of the value, and the events of nobody',
    analysis: topN({ from: acts('visits'), by: { column: 'what' }, top: 3 }),
    rows: [
      ['look', 5, 3, 5 / 11],
      ['buy', 2, 2, 2 / 11],
      ['choose', 2, 2, 2 / 11],
    ],
  },
  {
    name: 'top: persons',
    analysis: topN({ from: acts('visits'), by: { column: 'what' }, measure: 'subjects', top: 2 }),
    rows: [
      ['look', 3, 3, 3 / 8],
      ['buy', 2, 2, 2 / 8],
    ],
  },
  {
    name: 'top: amounts by person',
    analysis: topN({
      from: acts('money', { where: [{ field: { column: 'Who' }, is: 'is not null' }] }),
      by: { column: 'Who' },
      measure: { sum: amount },
    }),
    rows: [
      ['b', 85, 1, 0.85],
      ['a', 15, 1, 0.15],
      ['d', 0, 1, 0],
      ['c', null, 1, null],
    ],
  },
  {
    name: 'top: values of nobody have a row of their own, and odd names are quoted',
    analysis: topN({
      from: acts('visits', { where: [{ field: { column: 'odd "name"' }, is: '=', value: "it's" }] }),
      by: { column: 'visit' },
    }),
    rows: [[null, 11, 3, 1]],
  },
  {
    name: 'percentiles: nearest rank',
    analysis: percentiles({
      from: acts('ranks'),
      value: amount,
      at: [0.05, 0.1, 0.1001, 0.5, 0.9, 0.999, 1],
    }),
    rows: [[10, 1, 1, 1, 2, 5, 9, 100, 100, 100]],
  },
  {
    name: 'percentiles: of the sums of persons',
    analysis: percentiles({ from: acts('ranks'), value: amount, of: 'subjects' }),
    rows: [[5, 3, 10, 100, 100, 100]],
  },
  {
    name: 'percentiles: of nothing',
    analysis: percentiles({ from: acts('nobody knows'), value: amount, at: [0.5] }),
    rows: [[0, null, null, null]],
  },
]
