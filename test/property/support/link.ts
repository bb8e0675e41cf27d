// Link: a connection's queue and its transport over a real socket, without a handler.

import type { Socket } from 'node:net'
import { expect } from 'vitest'
import { Outbound } from '../../../src/streams/outbound.ts'
import { liveClock } from '../../../src/transport/live-ports.ts'
import type { TransportEvents } from '../../../src/transport/transport.ts'
import { WebSocketTransport } from '../../../src/transport/websocket.ts'

const OPTIONS = {
  ...{ maxPayload: 200_000, maxFragments: 4, maxBufferedChunks: 4, closeTimeout: 60_000 },
  ...{ allowSynchronousEvents: true, skipUTF8Validation: false, autoPong: false },
}
const NO_DEFLATE = { level: 6, memLevel: 8, thresholdBytes: 1024 }
const LIMITS = {
  maxOutboundBytes: 2 ** 30,
  maxOutboundMessages: 100_000,
  outboundHighWaterBytes: 65_536,
  stallTimeoutMs: 60_000,
}

const nothing = () => {}

/** Starts one over `ours`; `told` is told what the transport tells, in the place of nobody. */
export function connectOver(ours: Socket, told: Partial<TransportEvents> = {}) {
  const transport = new WebSocketTransport(ours, OPTIONS, liveClock, NO_DEFLATE)
  const outbound = new Outbound(
    transport,
    { limits: LIMITS, slow: 'close', clock: liveClock },
    {
      overflowed: (detail) => expect.unreachable(detail),
      loadChanged: nothing,
      pingWritten: nothing,
    },
  )
  const events: TransportEvents = {
    ...{ messageReceived: nothing, pingReceived: nothing, pongReceived: nothing },
    ...{ closeReceived: nothing, violated: nothing, ended: nothing },
    readDone: () => outbound.flush(),
    answering: () => outbound.flush(),
    drained: () => outbound.drained(),
    ...told,
  }
  transport.start(events)
  return { transport, outbound }
}
