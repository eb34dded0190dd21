/** Statements that passed the check, so that one which is asked again is neither parsed nor walked again. */
import { isLandfallError } from '../../../base/errors.ts'
import type { StatementParser, TreeNode } from './parser.ts'
import { Recent } from './recent.ts'
import { checkStatement } from './sandbox.ts'
import { unqualify } from './unqualify.ts'

/** The statement as it will run, the tables it reads, and its tree. */
export interface CheckedText {
  sql: string
  tables: ReadonlySet<string>
  tree: TreeNode
}

/** A tree takes some hundred times the bytes of its text: 128 of 4,000 characters are tens of megabytes at the very most. */
const STATEMENTS_MAX = 128
const STATEMENT_CHARACTERS_MAX = 4000

export class CheckedStatements {
  readonly #parser: StatementParser
  readonly #listTables: () => Promise<string[]>
  readonly #passed = new Recent<CheckedText>(STATEMENTS_MAX, STATEMENT_CHARACTERS_MAX)

  constructor(parser: StatementParser, listTables: () => Promise<string[]>) {
    this.#parser = parser
    this.#listTables = listTables
  }

  /**
   * Runs `use` with the checked statement. What is checked is what runs, character by character.
   *
   * Whether a statement passes depends on its text and on the tables it names, nothing else; that these are still there is looked
   * at when they are pinned. If one is gone, the statement is checked anew against the tables of now, for the same answer as a
   * statement gets that was never seen.
   */
  async with<T>(written: string, use: (checked: CheckedText) => Promise<T>): Promise<T> {
    const known = this.#passed.get(written)
    if (known === undefined) return use(await this.#check(written))
    try {
      return await use(known)
    } catch (error) {
      if (!isLandfallError(error, 'sql/unknown-table')) throw error
      this.#passed.delete(written)
      return use(await this.#check(written))
    }
  }

  async #check(written: string): Promise<CheckedText> {
    const text = unqualify(written)
    const [tree, names] = await Promise.all([this.#parser.parse(text.sql), this.#listTables()])
    const { tables } = checkStatement(tree, text, names)
    const checked = { sql: text.sql, tables, tree }
    this.#passed.set(written, checked)
    return checked
  }
}
