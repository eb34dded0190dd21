import { LandfallError } from '../../../../base/errors.ts'
import { lineColumnAt } from '../../../text.ts'

/** A text, a quoted name, a comment; or the beginning of a comment that nothing ends. A doubled quote is two texts in a row here. */
const PIECES = /'[^']*'|"[^"]*"|--[^\n]*|\/\*[^]*?\*\/|(\/\*)/g

/**
 * Throws for a comment that has no end. The lexer would look for its end at every `/*` behind it anew, which takes hours for a
 * statement of nothing else.
 */
export function refuseOpenComment(sql: string): void {
  // With an end behind the last beginning there is nothing to look for.
  if (sql.lastIndexOf('/*') <= sql.lastIndexOf('*/') && sql.lastIndexOf('*/') >= 0) return
  for (const piece of sql.matchAll(PIECES)) {
    if (piece[1] === undefined) continue
    throw new LandfallError('fix-request', 'sql/syntax', 'a comment has no end', {
      hint: 'Write */ where it ends',
      details: { ...lineColumnAt(sql, piece.index) },
    })
  }
}
