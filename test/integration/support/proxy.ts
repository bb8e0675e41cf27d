// Proxy: a real TCP proxy between clients and a server, with the habits of bad ones.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ProxyHabits {
  /** Answers an upgrade request with this status line and headers, and closes. */
  refusesUpgrades?: string | undefined
  /** Lets the upgrade through, and nothing of the server after it. */
  swallowsUpgrades?: boolean
  /** Ends a connection when so many pieces have come through it from the server. */
  cutsAfter?: number | undefined
  /** Takes connections and says nothing. */
  silent?: boolean
}

export interface Proxy {
  readonly url: string
  readonly port: number
  /** What it does with connections from now on; change it at any time. */
  readonly habits: ProxyHabits
  /** Upgrade requests that came. */
  readonly upgrades: number
  /** Where it leads. */
  upstreamPort: number
  /** Ends all connections that are open. */
  cut(): void
  /** Does so each `ms`, from now on; `undefined`: no more. */
  cutEvery(ms: number | undefined): void
  /** How often it has, while any was open. */
  readonly cuts: number
  /** Stops passing anything on over the connections that are open. */
  freeze(): void
}

/** Starts a proxy in front of `port`; the end of the test ends it. */
export async function startProxy(port: number, habits: ProxyHabits = {}): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let upgrades = 0
  let cuts = 0
  let cutting: NodeJS.Timeout | undefined
  const server = createServer((client) => {
    track(client)
    client.once('data', (head) => {
      const isUpgrade = /\r\nupgrade: *websocket\r\n/i.test(head.toString('latin1'))
      if (isUpgrade) upgrades++
      if (habits.silent) return
      if (isUpgrade && habits.refusesUpgrades !== undefined) {
        const body = 'no upgrades here'
        const end = `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
        client.end(`HTTP/1.1 ${habits.refusesUpgrades}\r\n${end}`)
        return
      }
      const upstream = connect(proxy.upstreamPort, '127.0.0.1')
      track(upstream)
      upstream.write(head)
      client.pipe(upstream)
      let pieces = 0
      upstream.on('data', (piece) => {
        if (isUpgrade && habits.swallowsUpgrades && pieces > 0) return
        client.write(isUpgrade && habits.swallowsUpgrades ? headOf(piece) : piece)
        pieces++
        if (habits.cutsAfter !== undefined && pieces >= habits.cutsAfter) client.destroy()
      })
      upstream.on('close', () => client.destroy())
      client.on('close', () => upstream.destroy())
    })
  })
  function track(socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    clearInterval(cutting)
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const own = (server.address() as AddressInfo).port
  const proxy: Proxy = {
    url: `http://127.0.0.1:${own}`,
    port: own,
    habits,
    get upgrades() {
      return upgrades
    },
    upstreamPort: port,
    get cuts() {
      return cuts
    },
    cut() {
      if (sockets.size > 0) cuts++
      for (const socket of sockets) socket.destroy()
    },
    cutEvery(ms) {
      clearInterval(cutting)
      if (ms !== undefined) cutting = setInterval(() => proxy.cut(), ms)
    },
    freeze() {
      for (const socket of sockets) {
        socket.unpipe()
        socket.removeAllListeners('data')
        socket.resume()
      }
    },
  }
  return proxy
}

/** A response's head without what came behind it in the same piece. */
function headOf(piece: Buffer): Buffer {
  const end = piece.indexOf('\r\n\r\n')
  return end < 0 ? piece : piece.subarray(0, end + 4)
}
