import { LandfallError } from '../../base/errors.ts'
import { lineColumnAt, type Token, tokens } from '../text.ts'

/** First words of the statements of Trino that change something. */
const VERBS = [
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'TRUNCATE',
  'CREATE',
  'DROP',
  'ALTER',
  'COMMENT',
  'ANALYZE',
  'REFRESH',
  'GRANT',
  'REVOKE',
  'DENY',
]

/** Throws `sql/not-allowed` for a statement that writes, and says who does that here. */
export function refuseWriting(sql: string): void {
  const first = tokens(sql).next().value as Token | undefined
  if (first?.kind !== 'word' || !VERBS.includes(first.text.toUpperCase())) return
  throw new LandfallError(
    'fix-request',
    'sql/not-allowed',
    `${first.text.toUpperCase()} is not allowed: this door only reads`,
    {
      hint: 'Tables are declared in the pipeline file and filled by events; views and reference tables are declared there too',
      details: { ...lineColumnAt(sql, first.start) },
    },
  )
}

/** First words of statements that read, or change only the client's own session. */
const READING = new Set(
  [
    'SELECT WITH TABLE VALUES ( SHOW DESCRIBE DESC EXPLAIN USE SET RESET',
    'PREPARE EXECUTE DEALLOCATE START COMMIT ROLLBACK',
  ].flatMap((words) => words.split(' ')),
)

/**
 * Throws `sql/not-allowed` unless a statement only reads: for a server of others, whose tables are the pipeline's all the same. What
 * it prepares, explains with ANALYZE or executes at once is looked at too.
 */
export function requireReading(sql: string): void {
  const all = [...tokens(sql)]
  const [first, second] = all
  if (first === undefined) return
  const verb = first.kind === 'word' || first.kind === 'symbol' ? first.text.toUpperCase() : ''
  if (!READING.has(verb)) throw notReading(sql, first)
  if (verb === 'PREPARE') requireReading(sql.slice(all.find(isWord('FROM'))?.end ?? sql.length))
  if (verb === 'EXECUTE' && second && isWord('IMMEDIATE')(second)) requireReading(all[2]?.text ?? '')
  if (verb === 'EXPLAIN' && second && isWord('ANALYZE')(second)) {
    const verbose = all[2] && isWord('VERBOSE')(all[2])
    requireReading(sql.slice(verbose ? all[2]!.end : second.end))
  }
}

const isWord =
  (word: string) =>
  ({ kind, text }: Token) =>
    kind === 'word' && text.toUpperCase() === word

function notReading(sql: string, { text, start }: Token): LandfallError {
  return new LandfallError(
    'fix-request',
    'sql/not-allowed',
    `${text.toUpperCase()} is not allowed: questions only read`,
    {
      hint: "Use the server's own client for what changes something there",
      details: { ...lineColumnAt(sql, start) },
    },
  )
}
