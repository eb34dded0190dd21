import { createHash, randomBytes, randomFillSync } from 'node:crypto'

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/**
 * Makes UUIDv7 strings (RFC 9562 §5.7): 48 bits of milliseconds, then a 74-bit random base that is counted up,
 * so ids of one process ascend and cost no system call each.
 */
export function uuidv7Source(nowMs: () => number = Date.now): () => string {
  const tail = randomBytes(10)
  let ms = 0
  let head = ''
  let fixed = ''
  let counter = 0
  return () => {
    const now = nowMs()
    if (now > ms || counter === 0xffffffff) {
      ms = now > ms ? now : ms + 1
      randomFillSync(tail)
      const t = ms.toString(16).padStart(12, '0')
      head = `${t.slice(0, 8)}-${t.slice(8)}-7${HEX[tail[0]!]!.slice(1)}${HEX[tail[1]!]}`
      fixed = `${HEX[0x80 | (tail[2]! & 0x3f)]}${HEX[tail[3]!]}-${HEX[tail[4]!]}${HEX[tail[5]!]}`
      counter = tail.readUInt32BE(6) >>> 1
    }
    counter += 1
    return `${head}-${fixed}${counter.toString(16).padStart(8, '0')}`
  }
}

/** The namespace of ids that Landfall derives. */
const NAMESPACE = Buffer.from('6d1b0f0a7c5e4d5a9e0b1c5a0f3d2e11', 'hex')

/** UUIDv5 (RFC 9562 §5.5) of a name in Landfall's namespace: the same name gives the same id. */
export function uuidv5(name: string): string {
  const hash = createHash('sha1').update(NAMESPACE).update(name).digest()
  hash[6] = 0x50 | (hash[6]! & 0x0f)
  hash[8] = 0x80 | (hash[8]! & 0x3f)
  const hex = hash.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}
