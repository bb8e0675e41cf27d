// Socket door: an upgrade request over a simulated socket, answered by `ws` itself.
//
// Left out is Node's HTTP server: the request comes as data. The answer and everything behind it is what a real server
// does.

import type { IncomingUpgrade } from '../http/request.ts'
import type { Clock } from '../protocol/ports.ts'
import type { DoorAnswer, PeerLink } from '../transport/memory.ts'
import type { Door } from '../transport/transport.ts'
import { WsServers } from '../transport/ws-server.ts'
import type { SimulatedSocket } from './simulated-socket.ts'

/**
 * `ws` waits for a Close frame by the system's clock. Here the machine's own deadline, in virtual time, has to be the
 * only one, so that of `ws` is put off; it is for the real seconds that a run takes.
 */
const NEVER_IN_A_RUN_MS = 60_000

export class SocketDoors {
  readonly #servers: WsServers

  constructor(clock: Clock) {
    this.#servers = new WsServers(clock)
  }

  /** @param answered - told how the request was answered, at once; the peer's bytes take their time. */
  door(
    upgrade: IncomingUpgrade,
    socket: SimulatedSocket,
    link: PeerLink,
    answered: (answer: DoorAnswer) => void,
  ): Door {
    socket.on('error', () => socket.destroy())
    const door = this.#servers.door(upgrade, socket, Buffer.alloc(0))
    return {
      refuse: (status, reason, headers, body) => {
        answered({ accepted: false, status, reason })
        door.refuse(status, reason, headers, body)
      },
      upgrade: (answer) => {
        const closeTimeoutMs = Math.max(answer.limits.closeTimeoutMs, NEVER_IN_A_RUN_MS)
        const limits = { ...answer.limits, closeTimeoutMs }
        const transport = door.upgrade({ ...answer, limits })
        if (transport === undefined) return undefined
        if ('status' in transport) answered({ accepted: false, ...transport })
        else answered({ accepted: true, answer, link })
        return transport
      },
    }
  }
}
