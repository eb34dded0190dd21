import { badRequest } from './answers.ts'

const PAGE_SIZE_MAX = 1000

/**
 * A page of sorted names, as the specification has it: without `pageToken` everything is answered; with it (empty at first) pages
 * of at most `pageSize`. The token is the last name sent, so a table that comes or goes in between shifts nothing.
 */
export function pageOf(
  names: readonly string[],
  query: URLSearchParams,
): { names: string[]; next: string | null } {
  const sorted = names.toSorted()
  const token = query.get('pageToken')
  if (token === null) return { names: sorted, next: null }
  const asked = query.get('pageSize')
  const size = asked === null ? PAGE_SIZE_MAX : Number(asked)
  if (!Number.isSafeInteger(size) || size < 1)
    throw badRequest(`pageSize: expected a number from 1, found ${asked}`)
  const after = Buffer.from(token, 'base64url').toString()
  if (Buffer.from(after).toString('base64url') !== token) throw badRequest('pageToken is not one of ours')
  const rest = token === '' ? sorted : sorted.filter((name) => name > after)
  const page = rest.slice(0, Math.min(size, PAGE_SIZE_MAX))
  return {
    names: page,
    next: page.length < rest.length ? Buffer.from(page.at(-1)!).toString('base64url') : null,
  }
}
