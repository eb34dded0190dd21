import { Decimal, definePipeline, type HeaderColumn, type RouteContext, type Static, Type } from 'landfall'

/** Money travels as text ("12.50") and is counted in cents, as bigint: nothing is ever rounded. */
const Money = Decimal(18, 2)
const CENTS_MAX = 10n ** 18n - 1n

function toCents(text: string): bigint {
  const [whole = '0', decimals = ''] = text.split('.')
  return BigInt(whole + decimals.padEnd(2, '0'))
}

function toMoney(cents: bigint): string {
  const digits = cents.toString().padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}

const PRICES = { bitcoin: '41500.00', gold: '1814.50', oil: '73.95', silver: '25.48' }
type Asset = keyof typeof PRICES
const Asset = Type.Enum(['bitcoin', 'gold', 'oil', 'silver'])

const CashBody = Type.Object({ amount: Money }, { additionalProperties: false })
const quantity = Type.Integer({ minimum: 1, maximum: 1_000_000 })
const TradeBody = Type.Object({ asset: Asset, quantity }, { additionalProperties: false })

const description = Type.String()
const moved = { amount: Money, balance: Money }
const events = {
  asset_price: Type.Object({ description, bitcoin: Money, gold: Money, oil: Money, silver: Money }),
  account_status: Type.Object({ description, balance: Money, asset_value: Decimal(24, 2) }),
  cash_transaction: Type.Object({ description, transaction: Type.Enum(['deposit', 'withdraw']), ...moved }),
  asset_transaction: Type.Object({
    description,
    transaction: Type.Enum(['buy', 'sell']),
    asset: Asset,
    quantity,
    price: Money,
    ...moved,
    holding: Type.Integer({ minimum: 0 }),
  }),
}

/** An account is whoever asks under one Host: money, and how many of each asset. */
interface Account {
  balance: string
  holdings: Partial<Record<Asset, number>>
}

const empty: Account = { balance: '0.00', holdings: {} }

type Context = RouteContext<typeof events, Account>

function refuse(status: number, error: string, message: string) {
  return { status, json: { error, message } }
}

/** The balance after a change, in cents, or the answer that refuses it. */
function change(account: Account, cents: bigint) {
  const balance = toCents(account.balance) + cents
  if (balance > CENTS_MAX) return refuse(409, 'balance_too_large', 'an account holds at most 16 digits')
  if (balance >= 0n) return balance
  return refuse(409, 'insufficient_funds', `${toMoney(-cents)} needed, the account has ${account.balance}`)
}

function moveCash(
  transaction: 'deposit' | 'withdraw',
  { amount }: Static<typeof CashBody>,
  context: Context,
) {
  const { state, track } = context
  const cents = toCents(amount)
  if (cents <= 0n) return refuse(400, 'invalid_amount', 'the amount must be above 0')
  const changed = change(state, transaction === 'deposit' ? cents : -cents)
  if (typeof changed !== 'bigint') return changed
  const done = { transaction, amount: toMoney(cents), balance: toMoney(changed) }
  track('cash_transaction', { description: `${transaction} ${done.amount}`, ...done })
  return { json: done }
}

function trade(transaction: 'buy' | 'sell', body: Static<typeof TradeBody>, { state, track }: Context) {
  const { asset, quantity } = body
  const held = state.holdings[asset] ?? 0
  if (transaction === 'sell' && held < quantity) {
    return refuse(409, 'insufficient_assets', `${quantity} ${asset} needed, the account has ${held}`)
  }
  const price = PRICES[asset]
  const cents = toCents(price) * BigInt(quantity)
  const changed = change(state, transaction === 'sell' ? cents : -cents)
  if (typeof changed !== 'bigint') return changed
  const holding = transaction === 'buy' ? held + quantity : held - quantity
  const done = { transaction, ...body, price, amount: toMoney(cents), balance: toMoney(changed), holding }
  track('asset_transaction', { description: `${transaction} ${quantity} ${asset} at ${price}`, ...done })
  return { json: done }
}

function valueOf(holdings: Account['holdings']): string {
  let cents = 0n
  for (const [asset, held] of Object.entries(holdings))
    cents += toCents(PRICES[asset as Asset]) * BigInt(held)
  return toMoney(cents)
}

const headers: Record<string, HeaderColumn> = { Accept: true, Host: true, 'User-Agent': 'User_Agent' }
const bodyHeaders: Record<string, HeaderColumn> = {
  ...headers,
  'Content-Length': { column: 'Content_Length', type: 'int' },
  'Accept-Encoding': 'Accept_Encoding',
  Connection: true,
  'Content-Type': 'Content_Type',
}
const columns = ['raw_event', 'timestamp', 'Accept', 'Host', 'User_Agent', 'event_type', 'description']
const bodyColumns = [...columns, 'Content_Length', 'Accept_Encoding', 'Connection', 'Content_Type']
const tradeColumns = ['transaction', 'asset', 'quantity', 'price', 'amount', 'balance', 'holding']

function bodyTable<E extends keyof typeof events>(event: E, amounts: string[]) {
  return { events: [event], headers: bodyHeaders, columns: [...bodyColumns, ...amounts] }
}

export default definePipeline({
  name: 'bank',
  events,

  state: {
    key: ({ headers: { host = '' } }) => host,
    initial: empty,
    reduce(account, event) {
      if (event.event_type === 'cash_transaction') return { ...account, balance: event.balance }
      if (event.event_type !== 'asset_transaction') return account
      return { balance: event.balance, holdings: { ...account.holdings, [event.asset]: event.holding } }
    },
  },

  routes: {
    'GET /return_price': (_request, { track }) => {
      track('asset_price', { description: 'the prices of all assets', ...PRICES })
      return { json: PRICES }
    },
    'POST /account_status': (_request, { state: { balance, holdings }, track }) => {
      const asset_value = valueOf(holdings)
      track('account_status', { description: 'the state of the account', balance, asset_value })
      return { json: { balance, asset_value, holdings } }
    },
    'POST /deposit': { body: CashBody, handler: ({ body }, context) => moveCash('deposit', body, context) },
    'POST /withdraw': { body: CashBody, handler: ({ body }, context) => moveCash('withdraw', body, context) },
    'POST /buy': { body: TradeBody, handler: ({ body }, context) => trade('buy', body, context) },
    'POST /sell': { body: TradeBody, handler: ({ body }, context) => trade('sell', body, context) },
  },

  tables: {
    asset_prices: { events: ['asset_price'], headers, columns: [...columns, ...Object.keys(PRICES)] },
    account_status: bodyTable('account_status', ['balance', 'asset_value']),
    asset_transactions: bodyTable('asset_transaction', tradeColumns),
    cash_transactions: bodyTable('cash_transaction', ['transaction', 'amount', 'balance']),
  },

  subject: 'Host',

  questions: {
    price_requests: {
      title: 'How often were prices asked?',
      sql: 'SELECT count(*) AS requests FROM asset_prices',
    },
    cash: {
      title: 'How much money came in and went out?',
      sql: `
        SELECT transaction, count(*) AS transactions, CAST(sum(amount) AS decimal(38, 2)) AS amount
        FROM cash_transactions GROUP BY transaction ORDER BY transaction`,
    },
    assets_traded: {
      title: 'Which assets are traded?',
      sql: `
        SELECT asset, transaction, CAST(sum(quantity) AS bigint) AS quantity, CAST(sum(amount) AS decimal(38, 2)) AS amount
        FROM asset_transactions GROUP BY asset, transaction ORDER BY asset, transaction`,
      chart: 'bar',
    },
    balances: {
      title: 'How much money does each account have now?',
      // The balance after an account's newest transaction; those of one account happen one at a time.
      sql: `
        SELECT host, balance FROM (
          SELECT host, balance, row_number() OVER (PARTITION BY host ORDER BY "timestamp" DESC) AS newest
          FROM (
            SELECT host, balance, "timestamp" FROM cash_transactions
            UNION ALL
            SELECT host, balance, "timestamp" FROM asset_transactions
          ) AS changes
        ) AS ranked
        WHERE newest = 1 ORDER BY balance DESC, host`,
      chart: 'bar',
    },
  },
})
