// Attacks: everything that one bad connection, or the user code behind it, can do; and what has to come of it.
//
// An attack is a path of `hostile-server.mjs`, what the peer does there, and the one end that is right:
// an HTTP status or a close code, and the cause that the record has to name.

import type { CloseCause } from 'windsock'
import {
  BINARY,
  CONTINUATION,
  close,
  type FrameOptions,
  frame,
  PING,
  PONG,
  RawClient,
  TEXT,
  text,
} from './raw-client.ts'

export interface Attack {
  readonly name: string
  /** What the record says; `undefined` where there is none, as nothing was ever a connection. */
  readonly cause: CloseCause | undefined
  /** Does it once; throws when the server answers with anything else than it should. */
  readonly run: (port: number) => Promise<void>
}

const PROVOCATION = Buffer.concat([
  text('hi'),
  frame({ opcode: PING, payload: 'p' }),
  frame({ opcode: PONG, payload: 'q' }),
])

/** Runs `act` on a socket of its own, which is gone afterwards. */
async function alone(port: number, act: (client: RawClient) => Promise<void>): Promise<void> {
  const client = await RawClient.connectUnbound(port)
  try {
    await act(client)
  } finally {
    client.destroy()
    await client.ended
  }
}

function expectSame(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected)
    throw new Error(`${what}: got ${String(actual)}, not ${String(expected)}`)
}

/** The handshake is refused with `status`. */
function refused(path: string, status: number, cause: CloseCause | undefined): Attack {
  return {
    name: `${path} → ${status}`,
    cause,
    run: (port) =>
      alone(port, async (client) => {
        const headers = { Origin: 'http://windsock.test' }
        expectSame(path, (await client.request({ path, headers })).status, status)
      }),
  }
}

/** The server closes with `code` after `bytes` were sent. */
function closed(path: string, bytes: Uint8Array, code: number, cause: CloseCause): Attack {
  return {
    name: `${path} → ${code}`,
    cause,
    run: (port) =>
      alone(port, async (client) => {
        await client.upgrade({ path })
        client.write(bytes)
        expectSame(path, (await client.nextClose())?.code, code)
      }),
  }
}

/** The connection survives `bytes`, and ends when the peer closes it. */
function survived(path: string, bytes: Uint8Array): Attack {
  return {
    name: `${path} → survives`,
    cause: 'peerClosed',
    run: (port) =>
      alone(port, async (client) => {
        await client.upgrade({ path })
        client.write(bytes, frame({ opcode: PING, payload: 'alive?' }))
        for await (const { opcode, payload } of client) {
          if (opcode === PONG && payload.toString() === 'alive?') break
        }
        client.write(close(1000))
        expectSame(path, (await client.nextClose())?.code, 1000)
      }),
  }
}

function lost(name: string, bytes: Uint8Array): Attack {
  return {
    name,
    cause: 'transportLost',
    run: (port) =>
      alone(port, async (client) => {
        await client.upgrade({ path: '/echo' })
        client.write(bytes)
        client.reset()
      }),
  }
}

/** Bytes that are no handshake, or not a whole one; whatever the server does, nothing is a connection. */
function noise(name: string, bytes: Uint8Array | string, how: 'reset' | 'wait'): Attack {
  return {
    name,
    cause: undefined,
    run: (port) =>
      alone(port, async (client) => {
        client.write(Buffer.from(bytes as string))
        if (how === 'reset') client.reset()
        await client.ended
      }),
  }
}

function fragments(count: number, payload: string): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, index) =>
      frame({ opcode: index === 0 ? TEXT : CONTINUATION, payload, fin: false }),
    ),
  )
}

const breaches: readonly (readonly [FrameOptions | Buffer, number, CloseCause])[] = [
  [{ payload: 'x', masked: false }, 1002, 'protocolError'],
  [{ payload: 'x', rsv: 4 }, 1002, 'protocolError'],
  [{ payload: 'x', rsv: 2 }, 1002, 'protocolError'],
  [{ payload: 'x', rsv: 1 }, 1002, 'protocolError'],
  [{ opcode: 3 }, 1002, 'protocolError'],
  [{ opcode: 0xf }, 1002, 'protocolError'],
  [{ opcode: PING, fin: false }, 1002, 'protocolError'],
  [{ opcode: PING, payload: new Uint8Array(126) }, 1002, 'protocolError'],
  [{ opcode: CONTINUATION }, 1002, 'protocolError'],
  [close(1005), 1002, 'protocolError'],
  [{ opcode: 8, payload: 'x' }, 1002, 'protocolError'],
  [close(1000, Uint8Array.of(0xff)), 1007, 'invalidPayload'],
  [{ payload: Uint8Array.of(0xff) }, 1007, 'invalidPayload'],
  [{ opcode: BINARY, declaredBytes: 2 ** 40 }, 1009, 'messageTooBig'],
  [fragments(2_000, ''), 1008, 'limitExceeded'],
  [fragments(2_000, 'x'), 1008, 'limitExceeded'],
  [Buffer.concat(Array(150).fill(frame({ opcode: PING }))), 1008, 'limitExceeded'],
  [Buffer.concat(Array(150).fill(frame({ opcode: PONG }))), 1008, 'limitExceeded'],
]

const FAILING = ['throws', 'throws-oddly', 'rejects', 'rejects-oddly', 'thenable-throws']

const HANDSHAKE_HOOKS = ['prepare', 'checkOrigin', 'selectSubprotocol'].flatMap((hook) => [
  ...FAILING.map((way) => refused(`/class/${hook}/${way}`, 500, 'handlerFailed')),
  refused(`/class/${hook}/hangs`, 503, 'handshakeTimeout'),
])

const MESSAGE_HOOKS = ['open', 'onMessage', 'onPing', 'onPong'].flatMap((hook) =>
  FAILING.map((way) => closed(`/class/${hook}/${way}`, PROVOCATION, 1011, 'handlerFailed')),
)

const STREAMS_THAT_END = [
  'throws',
  'rejects',
  'returns-nonsense',
  'operator-throws',
  'stream-errors',
  'emits-nonsense',
  'emits-cycle',
  'subscriber-throws',
  'operator-throws-unseen',
  'error-handler-throws',
  'generator-throws',
  'iterator-throws',
  'state-finalizers-throw',
  'pong-subscriber-throws',
]

const STREAMS_THAT_STAY = [
  'completion-throws',
  'state-subscriber-throws',
  'topic-subscriber-throws',
  'merged-subscriber-throws',
  'finalizer-throws',
  'timer-finalizer-throws',
  'inner-finalizer-throws',
  'restarted-finalizers-throw',
]

const ACTORS_THAT_END = [
  'guard',
  'action',
  'assign',
  'entry',
  'promise',
  'callback',
  'delay',
  'emits',
  'cycle',
]

const DELAYS_THAT_END = ['openTimeout', 'pingInterval', 'pingTimeout', 'pongGrace']

const NOTHING = new Uint8Array()

/** One of each kind whose every connection leaves a record that can be foretold. */
export const ATTACKS: readonly Attack[] = [
  ...breaches.map(([bytes, code, cause]) =>
    closed('/echo', Buffer.isBuffer(bytes) ? bytes : frame(bytes), code, cause),
  ),
  lost('reset in mid-frame', frame({ payload: 'half', declaredBytes: 1_000 })),
  lost('reset in mid-header', Uint8Array.of(0x81)),
  lost('reset between fragments', fragments(3, 'x')),
  lost('reset behind a ping flood', Buffer.concat(Array(50).fill(frame({ opcode: PING })))),
  lost('reset with replies in flight', Buffer.concat(Array(50).fill(text('x'.repeat(1_000))))),
  ...HANDSHAKE_HOOKS,
  ...MESSAGE_HOOKS,
  closed('/class/open/hangs', PROVOCATION, 1011, 'openTimeout'),
  closed('/class/onMessage/hangs', PROVOCATION, 1011, 'handlerTimeout'),
  ...['onPing', 'onPong'].map((hook) => survived(`/class/${hook}/hangs`, PROVOCATION)),
  ...[...FAILING, 'hangs'].map((way) => survived(`/class/onClose/${way}`, PROVOCATION)),
  refused('/setting/prepare', 500, 'handlerFailed'),
  refused('/setting/checkOrigin', 500, 'handlerFailed'),
  ...STREAMS_THAT_END.map((name) => closed(`/stream/${name}`, PROVOCATION, 1011, 'handlerFailed')),
  ...STREAMS_THAT_STAY.map((name) => survived(`/stream/${name}`, PROVOCATION)),
  closed('/stream/ending-finalizer-throws', NOTHING, 1000, 'appClosed'),
  ...ACTORS_THAT_END.map((name) => closed(`/actor/${name}`, PROVOCATION, 1011, 'handlerFailed')),
  survived('/actor/exit', PROVOCATION),
  closed('/guard', NOTHING, 1011, 'handlerFailed'),
  ...DELAYS_THAT_END.map((name) => closed(`/delay/${name}`, NOTHING, 1011, 'handlerFailed')),
  refused('/delay/handshakeTimeout', 500, 'handlerFailed'),
  survived('/delay/closeTimeout', NOTHING),
]

const WHOLE = 'Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n'

/** Those that leave no record, or that may be gone before the server has seen them. */
export const STRAYS: readonly Attack[] = [
  refused('/nowhere', 404, undefined),
  refused('/class/prepare/%ff', 400, undefined),
  refused('/constructor', 500, undefined),
  noise('reset on an unknown path', `GET /nowhere HTTP/1.1\r\nHost: a\r\n${WHOLE}`, 'reset'),
  noise('reset on a path that does not decode', `GET /class/a/%ff HTTP/1.1\r\n${WHOLE}`, 'reset'),
  noise('reset on a refusal', `GET /echo HTTP/1.0\r\n${WHOLE}`, 'reset'),
  noise('reset in prepare', `GET /class/prepare/hangs HTTP/1.1\r\nHost: a\r\n${WHOLE}`, 'reset'),
  noise('reset in the request', 'GET /echo HTTP/1.1\r\nHost: a\r\n', 'reset'),
  noise('no HTTP', 'hello, is anybody there?\r\n\r\n', 'wait'),
  noise('TLS on a plain port', Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3), 'wait'),
  noise('zeros', new Uint8Array(10_000), 'wait'),
]
