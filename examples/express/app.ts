/**
 * A small shop on Express, as it was before, and nine more lines (`+2`, `+7`) that turn what its users do into tables.
 * No route was changed.
 */
import express from 'express'
// +2 lines
import { createTracker } from 'landfall/client'
import type pipeline from './pipeline.ts'

const products = new Map([
  ['sword', { name: 'sword', price: 9 }],
  ['shield', { name: 'shield', price: 14 }],
])

export const app = express()
app.use(express.json())

// +7 lines
const url = process.env['LANDFALL_URL'] ?? 'http://127.0.0.1:5000'
export const tracker = createTracker<typeof pipeline>({ url, flushAtQuit: true })
app.use((req, res, next) => {
  const call = { user: req.get('x-user') ?? 'anonymous', method: req.method, path: req.path }
  res.on('finish', () => tracker.track('api_call', { ...call, status: res.statusCode }))
  next()
})

app.get('/products', (_req, res) => {
  res.json([...products.values()])
})

app.get('/products/:name', (req, res) => {
  const product = products.get(req.params.name)
  if (product) res.json(product)
  else res.status(404).json({ error: 'no such product' })
})

app.post('/orders', (req, res) => {
  const { product, quantity } = req.body ?? {}
  const price = products.get(product)?.price
  if (price === undefined || !Number.isInteger(quantity) || quantity < 1) {
    res.status(400).json({ error: 'expected a product and a quantity' })
  } else {
    res.status(201).json({ product, quantity, total: price * quantity })
  }
})

if (import.meta.main) {
  app.listen(3000, '127.0.0.1', () => process.stdout.write('shop: http://127.0.0.1:3000/products\n'))
}
