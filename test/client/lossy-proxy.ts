import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** What becomes of one request that passes: nothing, or the connection is cut before the server sees it, or before the client sees the answer. */
export type Fate = 'pass' | 'lose-request' | 'lose-answer'

/**
 * A TCP proxy that cuts connections. `fate` is asked at each chunk from the client (a request, or a piece of one). The port
 * behind it may change: a server that is started again.
 */
export class LossyProxy implements AsyncDisposable {
  upstreamPort = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(fate: () => Fate) {
    this.#server = createServer((client) => {
      const upstream = connect(this.upstreamPort, '127.0.0.1')
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => {
          this.#sockets.delete(socket)
          client.destroy()
          upstream.destroy()
        })
      }
      let losesAnswer = false
      client.on('data', (chunk) => {
        const now = fate()
        if (now === 'lose-request') return void client.destroy()
        losesAnswer ||= now === 'lose-answer'
        upstream.write(chunk)
      })
      upstream.on('data', (chunk) => {
        if (losesAnswer) client.destroy()
        else client.write(chunk)
      })
    })
  }

  static async open(fate: () => Fate): Promise<LossyProxy> {
    const proxy = new LossyProxy(fate)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
