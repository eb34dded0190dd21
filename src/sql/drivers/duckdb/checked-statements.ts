/** Statements that passed the check, so that one which is asked again is neither parsed nor walked again. */
import { isLandfallError } from '../../../base/errors.ts'
import type { Namespace, Place, Resolved } from '../../names/namespace.ts'
import type { StatementParser, TreeNode } from './parser.ts'
import { Recent } from './recent.ts'
import { checkStatement } from './sandbox.ts'
import { unqualify } from './unqualify.ts'

/** The statement as it will run, the relations it reads, and its tree. */
export interface CheckedText {
  sql: string
  relations: readonly Resolved[]
  tree: TreeNode
}

/** A tree takes some hundred times the bytes of its text: 128 of 4,000 characters are tens of megabytes at the very most. */
const STATEMENTS_MAX = 128
const STATEMENT_CHARACTERS_MAX = 4000

export class CheckedStatements {
  readonly #parser: StatementParser
  readonly #namespace: () => Promise<Namespace>
  readonly #passed = new Recent<CheckedText>(STATEMENTS_MAX, STATEMENT_CHARACTERS_MAX)

  constructor(parser: StatementParser, namespace: () => Promise<Namespace>) {
    this.#parser = parser
    this.#namespace = namespace
  }

  /**
   * Runs `use` with the checked statement. What is checked is what runs, character by character.
   *
   * Whether a statement passes depends on its text, on where its names are looked up and on the relations it names, nothing else;
   * that these are still there is looked at when they are pinned. If one is gone, the statement is checked anew against the names
   * of now, for the same answer as a statement gets that was never seen.
   */
  async with<T>(written: string, place: Place, use: (checked: CheckedText) => Promise<T>): Promise<T> {
    const key = `${place.catalog ?? ''}.${place.schema ?? ''}\n${written}`
    const known = this.#passed.get(key)
    if (known === undefined) return use(await this.#check(written, place, key))
    try {
      return await use(known)
    } catch (error) {
      if (!isLandfallError(error, 'sql/unknown-table')) throw error
      this.#passed.delete(key)
      return use(await this.#check(written, place, key))
    }
  }

  async #check(written: string, place: Place, key: string): Promise<CheckedText> {
    const namespace = await this.#namespace()
    const text = unqualify(written, (parts) => namespace.resolve(parts, place).id)
    const tree = await this.#parser.parse(text.sql)
    const { tables } = checkStatement(tree, text, namespace)
    const relations = Array.from(tables, (id) => namespace.byId(id)!)
    const checked = { sql: text.sql, relations, tree }
    this.#passed.set(key, checked)
    return checked
  }
}
