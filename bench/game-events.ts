/** Events of the game as its routes write them: properties, and the request headers that are merged in. Always the same. */
const ITEMS = ['sabre', 'katana', 'estoc', 'mirror_shield', 'leather_shield'] as const
const COSTS = [6, 10, 7, 42, 5] as const
const GUILDS = ['house_stark', 'grubs', 'secret_club', 'joestars'] as const

export function gameEvent(i: number): Record<string, unknown> {
  const request = { Host: `user${i % 97}.comcast.com`, Accept: '*/*', 'User-Agent': 'ApacheBench/2.3' }
  const item = i % ITEMS.length
  switch (i % 4) {
    case 0:
      return { event_type: 'purchase_sword', type: ITEMS[item], cost: COSTS[item], ...request }
    case 1:
      return { event_type: 'purchase_shield', type: ITEMS[item], cost: COSTS[item], ...request }
    default: {
      const guild = {
        guild_name: GUILDS[i % GUILDS.length],
        guild_member_cnt: i % 1_000,
        tot_guild_member_cnt: i,
      }
      return { event_type: i % 4 === 2 ? 'join_guild' : 'leave_guild', ...guild, ...request }
    }
  }
}

/** One JSON text each, without a line end. */
export function gameEvents(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => Buffer.from(JSON.stringify(gameEvent(i))))
}
