/** What clients of a simulation send, and what the model is told of it. */
import type { Random } from '../../src/simulate/random.ts'
import type { Answer, Door } from './door.ts'
import type { World } from './world.ts'

interface Sent {
  id: string
  text: string
}

/** A request that is sent again until it is answered. */
interface Pending {
  path: string
  body: string
  headers: Record<string, string>
  texts: string[]
  /** Of a route: the guild. */
  guild?: string
}

/** A request with an `Idempotency-Key` that was answered. */
interface Keyed extends Pending {
  answer: Answer
}

export class Clients {
  readonly #world: World
  readonly #sent: Sent[] = []
  readonly #pending: Pending[] = []
  readonly #keyed: Keyed[] = []

  constructor(world: World) {
    this.#world = world
  }

  /** A batch of events: good ones, bad ones, repeated and conflicting ones. */
  async sendBatch(random: Random): Promise<void> {
    const texts = Array.from({ length: 1 + random.below(4) }, () => this.#event(random))
    const headers: Record<string, string> =
      random.below(4) === 0 ? { 'Idempotency-Key': `k${this.#world.next()}` } : {}
    const isLines = random.below(3) === 0
    if (isLines) headers['Content-Type'] = 'application/x-ndjson'
    const body = isLines ? texts.join('\n') : `[${texts.join(',')}]`
    await this.#send({ path: '/v1/events', body, headers, texts })
  }

  /** One of its events is no JSON: nothing of the request is taken. */
  async sendBroken(random: Random): Promise<void> {
    const texts = [this.#fresh(random), this.#fresh(random)]
    const body = `[${texts.join(',')},{"event_type":"buy"`
    for (const text of texts) this.#world.model.send(text)
    const answer = await this.#ask({ path: '/v1/events', body, headers: {}, texts })
    if (answer === undefined) return
    if (answer.status !== 400 && answer.status !== 503)
      throw new Error(`a broken body was answered ${answer.status}`)
    for (const text of texts) this.#world.model.refuse(text, false)
  }

  async join(random: Random): Promise<void> {
    const guild = `g${random.below(3)}`
    const headers: Record<string, string> =
      random.below(2) === 0 ? { 'Idempotency-Key': `k${this.#world.next()}` } : {}
    await this.#send({ path: `/guilds/${guild}`, body: '{}', headers, texts: [], guild })
  }

  /** The same request with the same key again: the same answer, and nothing happens. */
  async repeatKey(random: Random): Promise<void> {
    const keyed = this.#keyed.length === 0 ? undefined : random.pick(this.#keyed)
    const answer = keyed && (await this.#ask(keyed))
    if (keyed === undefined || answer?.status !== 200) return
    const receipt = (of: Answer) => of.headers['landfall-receipt']
    if (answer.text !== keyed.answer.text || receipt(answer) !== receipt(keyed.answer))
      throw new Error(
        `a retry with its key was answered ${answer.text} ${receipt(answer)}, the first time ${keyed.answer.text} ${receipt(keyed.answer)}`,
      )
  }

  /** What was not answered is sent again, with its ids; all of it, when `all`. */
  async retry(all = false): Promise<void> {
    for (const pending of this.#pending.splice(0, all ? this.#pending.length : 1)) await this.#send(pending)
  }

  get unanswered(): number {
    return this.#pending.length
  }

  async #send(sent: Pending): Promise<void> {
    const { model } = this.#world
    const before = sent.texts.map((text) => model.mayBeThere(text))
    for (const text of sent.texts) model.send(text)
    const answer = await this.#ask(sent)
    if (answer?.status === 200) this.#acknowledged(sent, answer)
    else if (
      answer === undefined ||
      answer.text.includes('unknown-outcome') ||
      answer.text.includes('may or may not')
    )
      this.#unknown(sent)
    else sent.texts.forEach((text, i) => model.refuse(text, before[i]!))
  }

  #acknowledged(sent: Pending, answer: Answer): void {
    const { model } = this.#world
    if (sent.guild === undefined) {
      const { results } = JSON.parse(answer.text) as { results: { offset: number; event_id: string }[] }
      if (results.length !== sent.texts.length) throw new Error(`${results.length} results for ${sent.body}`)
      results.forEach(({ offset, event_id: id }, i) => model.acknowledge(offset, sent.texts[i]!, id))
      return
    }
    const [, , offset] = String(answer.headers['landfall-receipt']).split('/')
    const text = JSON.stringify({ event_type: 'join', guild: sent.guild, member: Number(answer.text) })
    model.acknowledge(Number(offset), text)
    if (sent.headers['Idempotency-Key'] !== undefined) this.#keyed.push({ ...sent, answer })
  }

  /** Without a key a route cannot be asked again: its event may be there or not, and the state tells. */
  #unknown(sent: Pending): void {
    if (sent.guild === undefined || sent.headers['Idempotency-Key'] !== undefined) this.#pending.push(sent)
  }

  /** Undefined when there is no door or it went away. */
  async #ask({ path, body, headers }: Pending): Promise<Answer | undefined> {
    const door: Door | undefined = await this.#world.openDoor()
    return door?.ask(path, body, headers).catch(() => undefined)
  }

  #event(random: Random): string {
    const kind = random.below(10)
    const earlier = this.#sent.length === 0 ? undefined : random.pick(this.#sent)
    if (earlier === undefined || kind < 6) return this.#fresh(random)
    if (kind < 8) return earlier.text
    const fields = Object.entries(JSON.parse(earlier.text) as object)
    // The same event, written otherwise.
    if (kind === 8) return JSON.stringify(Object.fromEntries(fields.reverse()))
    return JSON.stringify({ event_type: 'buy', event_id: earlier.id, item: 'other', n: this.#world.next() })
  }

  #fresh(random: Random): string {
    const n = this.#world.next()
    const id = `e${n}`
    const event = random.pickWeighted<{ weight: number; fields: object }>([
      { weight: 6, fields: { event_type: 'buy', event_id: id, item: `i${n}`, n } },
      { weight: 2, fields: { event_type: 'gift', event_id: id, to: `p${n}`, n } },
      { weight: 1, fields: { event_type: 'buy', event_id: id, item: `i${n}`, n: `${n}` } },
      { weight: 1, fields: { event_type: 'bye', event_id: id, n } },
      { weight: 1, fields: { event_type: 'buy', event_id: id, item: `i${n}`, n, note: 'hm' } },
      { weight: 1, fields: { event_type: 'buy', item: `i${n}`, n } },
    ]).fields
    const text = JSON.stringify(event)
    if ('event_id' in event) this.#sent.push({ id, text })
    return text
  }
}
