// TCP: pairs of real sockets for laws about what the kernel does.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type ServerOpts, type Socket } from 'node:net'
import { afterAll, beforeAll } from 'vitest'

/** More than the kernel takes for a peer that reads nothing. */
export const TOO_MUCH_BYTES = 16 * 1024 * 1024

/** Listens while the tests of a file run; gives both ends of a new connection, `ours` the one that was accepted. */
export function tcpPairs(options: ServerOpts = {}): () => Promise<{ peer: Socket; ours: Socket }> {
  const server = createServer({ allowHalfOpen: true, ...options })
  beforeAll(() => once(server.listen(0, '127.0.0.1'), 'listening').then(() => {}))
  afterAll(() => void server.close())
  return async () => {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const { port } = server.address() as AddressInfo
    const peer = connect({ port, host: '127.0.0.1', noDelay: true })
    const [ours] = await accepted
    return { peer, ours }
  }
}
