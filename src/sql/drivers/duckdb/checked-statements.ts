/** Statements that passed the check, so that one which is asked again is neither parsed nor walked again. */
import { isLandfallError } from '../../../base/errors.ts'
import type { Namespace, Place, Resolved, Version } from '../../names/namespace.ts'
import type { ResultColumn, Session } from '../../sql.ts'
import { quoteIdentifier } from '../../text.ts'
import type { Column } from './dialect/context.ts'
import type { KnownType } from './dialect/sql-type.ts'
import {
  type Names,
  parseQuery,
  relationNames,
  type TranslatedText,
  translate,
  type WrittenName,
} from './dialect/translate.ts'
import { loadTrinoGrammar } from './dialect/trino-grammar.ts'
import { typeOfName } from './dialect/type-syntax.ts'
import type { StatementParser, TreeNode } from './parser.ts'
import { Recent } from './recent.ts'
import { checkStatement } from './sandbox.ts'

/** The statement as it will run, the relations it reads, and its tree. */
export interface CheckedText {
  text: TranslatedText
  relations: readonly Resolved[]
  tree: TreeNode
}

/** What the check asks of the names. */
export interface KnownNames {
  namespace(): Promise<Namespace>
  /** `path`: the views that are being looked at, in each other. */
  columns(relation: Resolved, signal: AbortSignal, path: readonly string[]): Promise<readonly ResultColumn[]>
}

/** Who asks, and the views around a statement that is a view's. */
export interface Asked {
  session: Session | undefined
  path: readonly string[]
}

/** A tree takes some hundred times the bytes of its text: 128 of 4,000 characters are tens of megabytes at the very most. */
const STATEMENTS_MAX = 128
const STATEMENT_CHARACTERS_MAX = 4000

export class CheckedStatements {
  readonly #parser: StatementParser
  readonly #names: KnownNames
  readonly #passed = new Recent<CheckedText>(STATEMENTS_MAX, STATEMENT_CHARACTERS_MAX)

  constructor(parser: StatementParser, names: KnownNames) {
    this.#parser = parser
    this.#names = names
  }

  /**
   * Runs `use` with the checked statement. What is checked is what runs, character by character.
   *
   * Whether a statement passes, and as what, depends on its text, on the session and on the relations it names, nothing else; that
   * these are still there is looked at when they are pinned. If one is gone, the statement is checked anew against the names of now,
   * for the same answer as a statement gets that was never seen.
   */
  async with<T>(
    written: string,
    asked: Asked,
    signal: AbortSignal,
    use: (checked: CheckedText) => Promise<T>,
  ): Promise<T> {
    const { catalog, schema, timeZone, user } = asked.session ?? {}
    const key = `${JSON.stringify([catalog, schema, timeZone, user])}\n${written}`
    const known = this.#passed.get(key)
    if (known === undefined) return use(await this.#check(written, asked, signal, key))
    try {
      return await use(known)
    } catch (error) {
      if (!isLandfallError(error, 'sql/unknown-table')) throw error
      this.#passed.delete(key)
      return use(await this.#check(written, asked, signal, key))
    }
  }

  async #check(
    written: string,
    { session, path }: Asked,
    signal: AbortSignal,
    key: string,
  ): Promise<CheckedText> {
    const root = parseQuery(written, await loadTrinoGrammar())
    const namespace = await this.#names.namespace()
    const place: Place = { catalog: session?.catalog, schema: session?.schema }
    const columns = await this.#columns(relationNames(root), namespace, place, (each) =>
      this.#names.columns(each, signal, path),
    )
    const text = translate(written, root, namesIn(namespace, place, columns), session)
    const tree = await this.#parser.parse(text)
    const { tables } = checkStatement(tree, text, namespace)
    const relations = Array.from(tables, (id) => namespace.byId(id)!)
    const checked = { text, relations, tree }
    this.#passed.set(key, checked)
    return checked
  }

  /** Columns of the relations that a statement may mean, by their ids. */
  async #columns(
    written: readonly WrittenName[],
    namespace: Namespace,
    place: Place,
    describe: (relation: Resolved) => Promise<readonly ResultColumn[]>,
  ): Promise<Map<string, Column[]>> {
    const found = new Map<string, Resolved>()
    for (const name of written) {
      const resolved = resolveIfThere(namespace, name, place)
      if (resolved) found.set(resolved.id, resolved)
    }
    const described = Array.from(found.values(), async (resolved) => {
      const columns = await describe(resolved)
      return [
        resolved.id,
        columns.map(({ name, type }) => ({ name, type: inUtc(typeOfName(type)) })),
      ] as const
    })
    return new Map(await Promise.all(described))
  }
}

/** Timestamps of tables are seen in UTC, whatever the session's zone is. */
function inUtc(type: KnownType): KnownType {
  return type?.base === 'timestamp with time zone' ? { ...type, zone: 'UTC' } : type
}

/** A name that is nothing may be one of a WITH, which the translator knows. */
function resolveIfThere(
  namespace: Namespace,
  { parts, version }: WrittenName,
  place: Place,
): Resolved | undefined {
  try {
    return resolve(namespace, parts, version, place)
  } catch (error) {
    if (isLandfallError(error)) return undefined
    throw error
  }
}

function resolve(
  namespace: Namespace,
  parts: readonly string[],
  version: Version | undefined,
  place: Place,
): Resolved {
  return version === undefined
    ? namespace.resolve(parts, place)
    : namespace.resolveVersion(parts, version, place)
}

function namesIn(namespace: Namespace, place: Place, columns: ReadonlyMap<string, readonly Column[]>): Names {
  return {
    table(parts, version) {
      const { id } = resolve(namespace, parts, version, place)
      return { text: quoteIdentifier(id), qualified: parts.length > 1, columns: columns.get(id) }
    },
  }
}
