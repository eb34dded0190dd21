import { KEYWORDS } from '../../sql/keywords.ts'
import type { SqlEngine } from '../../sql/sql.ts'

export interface Completion {
  /** readline's completer: what the last word of the line may become. */
  complete(line: string): [string[], string]
  /** Resolves when names of tables and columns are known (or cannot be). */
  readonly loaded: Promise<void>
}

/** Completes keywords at once, names of tables and columns as soon as they are known. */
export function createCompletion(engine: SqlEngine): Completion {
  const names = new Set<string>()
  const loaded = loadNames(engine, names).catch(() => {
    // Completion without names is still completion.
  })
  return {
    loaded,
    complete(line) {
      const word = /[\w"-]*$/.exec(line)![0]
      if (word === '') return [[], word]
      const lower = word.toLowerCase()
      const isUpper = word === word.toUpperCase()
      const keywords = KEYWORDS.map((keyword) => (isUpper ? keyword.toUpperCase() : keyword.toLowerCase()))
      const hits = [...names, ...keywords].filter((name) => name.toLowerCase().startsWith(lower))
      return [[...new Set(hits)].toSorted(), word]
    },
  }
}

async function loadNames(engine: SqlEngine, names: Set<string>): Promise<void> {
  const tables = await engine.listTables()
  for (const table of tables) names.add(table)
  for (const table of tables) {
    for (const column of await engine.describe(table)) {
      names.add(/^[a-z_]\w*$/i.test(column.name) ? column.name : `"${column.name}"`)
    }
  }
}
