/** A proxy before a server that loses messages: requests before they arrive, or answers after what was asked for has happened. */
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '../engines/shared-engine.ts'

/** `silent`: the answer never comes, and the connection stays. */
export type Loss = 'request' | 'answer' | 'silent'

export interface LossyProxy extends AsyncDisposable {
  port: number
  /** What happens to the next message that has `text` in it. */
  lose(text: string, loss: Loss): void
  /** How many messages were lost. */
  lost: number
}

export async function openLossyProxy(target: number): Promise<LossyProxy> {
  let due: { text: string; loss: Loss } | undefined
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    let loss: Loss | undefined
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end).on('close', () => {
        sockets.delete(socket)
        if (loss !== 'silent') end()
      })
    }
    client.on('data', (chunk) => {
      if (due !== undefined && chunk.includes(due.text)) {
        loss = due.loss
        due = undefined
        proxy.lost += 1
      }
      if (loss === 'request') end()
      else upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (loss === undefined) client.write(chunk)
      else if (loss === 'answer') end()
    })
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const proxy: LossyProxy = {
    port,
    lost: 0,
    lose(text, loss) {
      due = { text, loss }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
