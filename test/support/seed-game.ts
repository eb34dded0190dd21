/** The load of the seeds' game and its known answers. */

/** One round of the load: times, host, path. */
export const GAME_ROUND: [number, string, string][] = [
  [2, 'user1.comcast.com', '/purchase_a_sword/sabre'],
  [1, 'user1.comcast.com', '/purchase_a_shield/mirror_shield'],
  [4, 'user1.comcast.com', '/join_guild/house_stark'],
  [3, 'user1.comcast.com', '/leave_guild/house_stark'],
  [2, 'anand.comcast.com', '/join_guild/grubs'],
  [1, 'dre.comcast.com', '/join_guild/grubs'],
  [1, 'dre.comcast.com', '/join_guild/secret_club'],
  [1, 'anand.comcast.com', '/join_guild/secret_club'],
  [3, 'user1.comcast.com', '/leave_guild/house_greyjoy'],
  [1, 'user2.att.com', '/purchase_a_sword/katana'],
  [2, 'user2.att.com', '/purchase_a_sword/estoc'],
  [1, 'user2.comcast.com', '/purchase_a_shield/leather_shield'],
]

export const GAME_ROUNDS = 52

/** The answer of each question of the game after so many rounds, as texts. */
export const GAME_ANSWERS: Record<string, string[][]> = {
  buyers: [['3']],
  purchases_per_player: [
    ['user1.comcast.com', '156'],
    ['user2.att.com', '156'],
    ['user2.comcast.com', '52'],
  ],
  money_per_player: [
    ['user1.comcast.com', '2808'],
    ['user2.att.com', '1248'],
    ['user2.comcast.com', '260'],
  ],
  items: [
    ['estoc', '104'],
    ['sabre', '104'],
    ['katana', '52'],
    ['leather_shield', '52'],
    ['mirror_shield', '52'],
  ],
  guild_events: [['780', '624']],
  members_per_guild: [
    ['grubs', '156'],
    ['secret_club', '104'],
    ['house_stark', '52'],
  ],
  guilds_joined: [
    ['anand.comcast.com', '2'],
    ['dre.comcast.com', '2'],
    ['user1.comcast.com', '1'],
  ],
  guilds_left: [['user1.comcast.com', '1']],
}
