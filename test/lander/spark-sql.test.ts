import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { compileSparkSql } from '../../src/lander/drivers/spark/sql/compile.ts'
import { literal } from '../../src/lander/drivers/spark/sql/text.ts'
import { DEAD_LETTERS_TABLE, landedTables } from '../../src/lander/tables.ts'
import { definePipeline } from '../../src/model/define-pipeline.ts'
import { EVENTS_TABLE } from '../../src/model/pipeline.ts'
import type { Plan } from '../../src/model/plan.ts'
import { game } from './support.ts'

const plain = compileSparkSql({ pipeline: game, plans: new Map(), logId: 'log' })

/** Names of a SELECT's columns that are written as `expression AS name`. */
function namesIn(sql: string): string[] {
  return [...sql.matchAll(/ AS `([^`]+)`/g)].map(([, name]) => name!)
}

test('a text stays a text whatever is in it', () => {
  expect(literal(String.raw`it's \d ${'$'}{env:HOME}`)).toBe(String.raw`'it\'s \\d \u0024{env:HOME}'`)
})

test('a table has its columns in their order', () => {
  for (const table of landedTables(game)) {
    if (table.name === DEAD_LETTERS_TABLE.name) continue
    expect(namesIn(plain.tableSql('judged', table))).toEqual(table.columns.map(({ name }) => name))
  }
  expect(plain.tableSql('judged', DEAD_LETTERS_TABLE)).toContain('reason, field, detail')
})

test('a stream can run what has no verdicts from elsewhere: no join, no window, no aggregation of rows', () => {
  const text = [plain.recordsSql('k'), plain.judgedSql('r'), plain.tableSql('j', EVENTS_TABLE)].join('\n')
  expect(text).not.toMatch(/\b(JOIN|OVER|GROUP BY|DISTINCT|ORDER BY)\b/)
  expect(plain.judgedSql('r', 'faults')).toMatch(/LEFT JOIN faults/)
})

test('a column that only some events declare is guarded by them, others are not', () => {
  const { compiled } = definePipeline({
    name: 'guards',
    events: {
      a: Type.Object({ both: Type.Integer(), one: Type.Integer() }),
      b: Type.Object({ both: Type.Integer() }),
    },
    tables: { t: { events: '*' } },
  })
  const sql = compileSparkSql({ pipeline: compiled, plans: new Map(), logId: 'log' })
  const lines = sql.tableSql('judged', compiled.tables[0]!).split('\n')
  expect(lines.find((line) => line.includes('`both`'))).not.toContain('event_type')
  expect(lines.find((line) => line.includes('`one`'))).toContain(`event_type IN ('a')`)
})

test('a statement grows by bytes per property, and by the events that a plan version changed', () => {
  const events = Object.fromEntries(
    Array.from({ length: 100 }, (_, e) => [
      `event_${e}`,
      Type.Object(
        Object.fromEntries(Array.from({ length: 30 }, (_, p) => [`e${e}_property_${p}`, Type.Integer()])),
      ),
    ]),
  )
  const { compiled } = definePipeline({ name: 'large', events, tables: { t: { events: ['event_0'] } } })
  const older: [string, Plan][] = ['1', '2', '3', '4', '5'].map((version) => [
    version,
    {
      version,
      events: {
        ...compiled.plan.events,
        event_0: {
          name: 'event_0',
          properties: [{ name: version, type: 'long', required: true, nullable: false }],
        },
      },
    },
  ])
  const alone = compileSparkSql({ pipeline: compiled, plans: new Map(), logId: 'log' })
  const many = compileSparkSql({ pipeline: compiled, plans: new Map(older), logId: 'log' })
  const empty = compileSparkSql({ pipeline: game, plans: new Map(), logId: 'log' }).judgedSql('r').length
  expect(empty).toBeLessThan(26_000)
  expect((alone.judgedSql('r').length - empty) / 3000).toBeLessThan(45)
  expect((many.judgedSql('r').length - alone.judgedSql('r').length) / 5).toBeLessThan(2500)
  expect(many.tableSql('j', compiled.tables[0]!).length).toBeLessThan(8000)
})
