/** A planted bug: one mistake in the product, made in its source text while it is loaded. Nothing in the product knows of it. */
import { join } from 'node:path'

export interface Edit {
  /** Stands in the file exactly once. */
  find: string
  replace: string
}

/** A test that must fail with the bug in, and pass without it. */
export interface Check {
  /** From the root of the repository. */
  file: string
  /** Part of the test's name. */
  test: string
}

export interface Bug {
  name: string
  /** What it would do to its user. */
  harm: string
  /** From the root of the repository. */
  file: string
  /** One, where one piece of text is enough for the mistake. */
  edits: Edit[]
  check: Check
}

export const ROOT = join(import.meta.dirname, '..', '..')

/** Names the bug that is planted in this process and those it starts. */
export const PLANTED = 'LANDFALL_PLANTED'

/** The source with the bug in. Throws when a text to find is not there exactly once: the product has changed, and the bug must follow. */
export function plant(bug: Bug, source: string): string {
  return bug.edits.reduce((text, { find, replace }) => {
    const found = text.split(find).length - 1
    if (found !== 1)
      throw new Error(
        `planted bug ${bug.name}: its text is ${found} times in ${bug.file} and must be there once:\n${find}`,
      )
    // A function, so that `$` in the text means itself.
    return text.replace(find, () => replace)
  }, source)
}
