// Fake socket: a Duplex in place of TCP, between Node's own HTTP server with the attached runtime and a test.
//
// Nothing else is fake: bytes pushed here go through Node's HTTP parser, `ws`, the machine and the streams. A `Wire`
// is one such socket with a diary of what its handler saw; time is only ever waited for by turns of the event loop.

import { createServer } from 'node:http'
import { Duplex } from 'node:stream'
import { expect } from 'vitest'
import { type Attached, attach, type RouteSettings, route } from 'windsock'
import { type Connection, type Handler, toHandler } from '../../../src/handlers/handler.ts'
import type { CloseRecord } from '../../../src/protocol/close-record.ts'
import { SMALL_BYTES } from '../../../src/protocol/message.ts'
import { closeCodeOf, OPCODE, readFrames, type Said, type WireFrame } from './frames.ts'

export class FakeSocket extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  /** While true the kernel takes nothing; what was written before is still on its way. */
  isStuck = false
  /** System calls that a real socket would have made to write; corked chunks are one. */
  writes = 0
  /** The most chunks that one of them took. */
  mostAtOnce = 0
  #written: Buffer[] = []
  #waiting: (() => void) | undefined

  get written(): Buffer {
    const all = Buffer.concat(this.#written)
    this.#written = [all]
    return all
  }

  /** Bytes from the peer; a copy, because `ws` unmasks in place. */
  arrives(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.readableEnded && !this.destroyed) this.push(Buffer.from(bytes))
  }

  /** The peer's FIN. */
  peerEnds(): void {
    if (!this.readableEnded && !this.destroyed) this.push(null)
  }

  unstick(): void {
    this.isStuck = false
    const taken = this.#waiting
    this.#waiting = undefined
    taken?.()
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    this._writev([{ chunk }], taken)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], taken: () => void): void {
    this.writes++
    this.mostAtOnce = Math.max(this.mostAtOnce, chunks.length)
    for (const { chunk } of chunks) this.#written.push(Buffer.from(chunk))
    if (this.isStuck) this.#waiting = taken
    else taken()
  }

  // A peer that has read our end ends too.
  override _final(done: () => void): void {
    done()
    this.peerEnds()
  }
}

/** The rest of this turn of the event loop, and what it has set off. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Turns until `isSo`; inflating and deflating take some, on threads of their own. */
export async function until(isSo: () => boolean, turns = 3_000_000): Promise<void> {
  while (!isSo()) {
    if (turns-- === 0) throw new Error('what was waited for did not happen')
    await settle()
  }
}

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** Header lines of a request that is granted. */
export const GOOD_HEADERS: readonly (readonly [string, string])[] = [
  ['Host', 'example.org'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', KEY],
]

/** An HTTP answer, taken apart to the byte. */
export interface Answer {
  readonly status: number
  /** As they stand on the wire, without the status line. */
  readonly lines: readonly string[]
  readonly body: Buffer
}

export function readAnswer(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1])
  return { status, lines, body: bytes.subarray(end + 4) }
}

/** The value of the one line of that name, or `undefined`. */
export function lineOf({ lines }: Answer, name: string): string | undefined {
  const found = lines.filter((line) => line.toLowerCase().startsWith(`${name}:`))
  if (found.length > 1) throw new Error(`${name} comes ${found.length} times`)
  return found[0]?.slice(name.length + 1).trim()
}

/** What a handler was told, in order. */
export type Seen = readonly [what: 'message' | 'ping' | 'pong' | 'close', value: string | Buffer]

export interface DialOptions {
  readonly handler?: Handler
  readonly target?: string
  readonly method?: string
  readonly version?: string
  readonly headers?: readonly (readonly [string, string])[]
  /** Bytes that come with the request in one chunk. */
  readonly head?: Uint8Array
}

/** One connection, from the socket's side and from the handler's. */
export class Wire {
  readonly socket = new FakeSocket()
  readonly seen: Seen[] = []
  connection: Connection | undefined
  record: CloseRecord | undefined

  /** Of small binary messages: bytes of others in the memory that they keep. */
  bytesBeside = 0

  /** What `seen` has of messages. */
  get messages(): Said[] {
    return this.seen.flatMap(([what, value]) => (what === 'message' ? [value] : []))
  }

  get answer(): Answer {
    const answer = readAnswer(this.socket.written)
    if (answer === undefined) throw new Error('no answer has come')
    return answer
  }

  /** What came after the 101, which has to be whole frames. */
  get frames(): WireFrame[] {
    const { frames, rest } = readFrames(this.answer.body)
    if (rest.length > 0) throw new Error('half a frame has come')
    return frames
  }

  /** Frames of messages, or of pongs. */
  replies(...opcodes: number[]): Buffer[] {
    return this.frames.flatMap(({ opcode, payload }) => (opcodes.includes(opcode) ? [payload] : []))
  }

  /** Pushes chunks; one turn each if `isSlow`, else all at once. */
  async hears(chunks: readonly Uint8Array[], isSlow = false): Promise<void> {
    for (const chunk of chunks) {
      this.socket.arrives(chunk)
      if (isSlow) await settle()
    }
    await settle()
  }

  /** The peer ends, and the record is waited for. */
  async ends(): Promise<CloseRecord> {
    this.socket.peerEnds()
    await until(() => this.record !== undefined)
    return this.record as CloseRecord
  }

  /** The codes of the Close frames that came, of which there is one at most. */
  get closeCodes(): number[] {
    return this.frames.filter(({ opcode }) => opcode === OPCODE.close).map(closeCodeOf)
  }

  /** We have ended the connection with `code` for `cause`, and that was the last that the peer was told. */
  async failed(code: number, cause: string): Promise<void> {
    const record = await this.ends()
    expect(this.closeCodes).toEqual([code])
    expect(this.frames.at(-1)?.opcode).toBe(OPCODE.close)
    expect(record).toMatchObject({ cause, sent: { code }, received: null, code: 1006 })
    expect(record.wasClean).toBe(false)
  }
}

/** An HTTP server with the runtime attached, on no port. */
export interface Site extends Attached {
  /** Sends the request; the wire comes back when the answer has. */
  dial(options?: DialOptions): Promise<Wire>
}

/**
 * @param paths - each is answered by the handler of whoever dials; default any path.
 */
export function site(settings: RouteSettings = {}, paths: (string | RegExp)[] = [/.*/s]): Site {
  const dialled: [Wire, Handler | undefined][] = []
  const byId = new Map<string, Wire>()
  class Form {
    static [toHandler]() {
      return (): Handler => {
        const [wire, handler] = dialled.shift() as [Wire, Handler | undefined]
        return withDiary(wire, handler, (connection) => byId.set(connection.id, wire))
      }
    }
  }
  const wide = { pingIntervalMs: 0, maxControlFramesPer10s: 1_000_000, ...settings }
  const http = createServer((_request, response) => {
    response.writeHead(400, { connection: 'close', 'content-length': 0 }).end()
  })
  // Errors of user code show in the record.
  const routes = paths.map((path) => route(path, Form))
  const attached = attach(http, { ...wide, routes, onError: () => undefined })
  attached.closed$.subscribe((record) => {
    const wire = byId.get(record.connectionId)
    if (wire?.record !== undefined) throw new Error('a second record')
    if (wire !== undefined) wire.record = record
  })
  return Object.assign(Object.create(attached) as Attached, {
    async dial(options: DialOptions = {}) {
      const { target = '/', method = 'GET', version = '1.1', headers = GOOD_HEADERS } = options
      const wire = new Wire()
      dialled.splice(0, dialled.length, [wire, options.handler])
      http.emit('connection', wire.socket)
      const lines = [
        `${method} ${target} HTTP/${version}`,
        ...headers.map((pair) => pair.join(': ')),
      ]
      const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
      wire.socket.arrives(Buffer.concat([head, options.head ?? Buffer.alloc(0)]))
      await until(() => readAnswer(wire.socket.written) !== undefined, 100)
      return wire
    },
  })
}

/** Echoes messages, unless told otherwise, and notes what it sees first. */
function withDiary(
  wire: Wire,
  over: Handler = {},
  opened: (connection: Connection) => void,
): Handler {
  const note = (what: Seen[0], value: string | Uint8Array) =>
    wire.seen.push([what, typeof value === 'string' ? value : Buffer.from(value)])
  return {
    ...over,
    open(connection, context) {
      wire.connection = connection
      opened(connection)
      return over.open?.(connection, context)
    },
    message(message) {
      note('message', message)
      if (typeof message !== 'string' && message.length < SMALL_BYTES) {
        wire.bytesBeside += message.buffer.byteLength - message.length
      }
      if (over.message !== undefined) return over.message(message)
      void wire.connection?.send(message)
      return undefined
    },
    ping: (data) => void note('ping', data),
    pong: ({ data }) => void note('pong', data),
    close: (record) => void note('close', record.cause),
  }
}
