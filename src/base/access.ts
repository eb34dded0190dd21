/**
 * Who may ask at a door. Nobody configured: everybody (the door listens on this machine only, or was told to be open). A common
 * token: whoever sends it. Named users: each by a token of their own, and under no other name.
 *
 * A client sends its token as `Authorization: Bearer TOKEN`, or as the password of `Authorization: Basic`. Tokens are random and
 * long (`landfall user` makes them), so their SHA-256 is what is kept and compared, every one of them in constant time.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'

/** Who asks. `user` is undefined where no name is proven: the client may call itself what it likes. */
export interface Caller {
  user: string | undefined
}

export interface Access {
  /** Everybody may ask. */
  readonly open: boolean
  /** By the `Authorization` header of a request; undefined: may not ask. */
  identify(authorization: string | undefined): Caller | undefined
  /** By a name and a token; the name counts only where users are configured. */
  login(name: string, token: string): Caller | undefined
}

/** SHA-256 of a token, as a file of users has it. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** `users` is asked at each request, so that they may change while the door is open. */
export function createAccess(token: string | null, users?: () => ReadonlyMap<string, Buffer>): Access {
  const common = token === null ? undefined : digestOf(token)
  const open = common === undefined && users === undefined

  /** The user of a token; with a name, that user only. */
  const find = (sent: string, name?: string): Caller | undefined => {
    const digest = digestOf(sent)
    let found: Caller | undefined
    if (common !== undefined && timingSafeEqual(common, digest)) found = { user: undefined }
    for (const [user, known] of users?.() ?? []) {
      if (timingSafeEqual(known, digest) && (name === undefined || name === user)) found = { user }
    }
    return found
  }

  return {
    open,
    login: (name, sent) => (open ? { user: undefined } : find(sent, name)),
    identify(authorization) {
      if (open) return { user: undefined }
      const [scheme = '', value = ''] = (authorization ?? '').split(/\s+/, 2)
      if (scheme.toLowerCase() === 'bearer') return find(value)
      if (scheme.toLowerCase() !== 'basic') return undefined
      const text = Buffer.from(value, 'base64').toString('utf8')
      const colon = text.indexOf(':')
      return find(text.slice(colon + 1), text.slice(0, Math.max(colon, 0)))
    },
  }
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1' || host === '[::1]') return true
  return isIP(host) === 4 && host.startsWith('127.')
}
