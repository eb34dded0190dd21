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
