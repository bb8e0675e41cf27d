// ws-internals: the one file that relies on more of `ws` than it documents.
//
// Eight things, each looked for on each socket, the seventh tried once, and done without where a future `ws` differs:
//  1. `_receiver` emits `conclude(code, reason)` when the peer's Close frame has come, and `error` for a breach; `ws` has
//     one listener for each, with which it answers. Without them the frame is reported when the link ends, which is
//     later but no loss.
//  2. A server's `WebSocket` without extensions writes whole frames straight to the socket that `handleUpgrade`
//     was given, so frames written there between its own keep their order. A client's frames have to be masked
//     (RFC 6455 §5.3): there messages go through its documented `send`.
//  3. The socket's data goes through `_receiver.write`, a `Writable`'s, which reports every whole message before it
//     returns. So we know when a read is over, and what the handlers answered to it leaves in one write, without a tick.
//     Without it answers leave at the end of the turn, as all else does.
//  4. With permessage-deflate a server's `WebSocket` does the same, as long as no message that it was given is still
//     on its way to the socket. Its extension has `_deflate`, `null` until the first message that it compresses and a
//     stream of `node:zlib` from then on, and `params`, what was agreed on. Without them all goes through `send`; and
//     should `_deflate` turn out to be something else later, that connection's own messages go uncompressed from then on.
//  5. A server's receiver says where it stands in `_state`, `_bufferedBytes`, `_fragmented`, `_opcode` and `_errored`, and
//     how long a message may be in `_maxPayload`. While it stands between two messages, whole frames may be read before it
//     gets what follows (whole-frames.ts). Without any of them it reads all.
//  6. With permessage-deflate a receiver calls its `startLoop(done)` for each message that it inflates. What does not call on
//     stops between two messages, where pausing the socket would leave what it has got already: a chunk of 64 KiB may
//     inflate to a thousand times that. After a breach, which `_errored` tells, it is not called any more. Without it the
//     chunk is inflated to its end.
//  7. A `WebSocket` that is made without an address is a server's, and `setSocket(socket, head, options)` gives it its
//     socket: that is what `handleUpgrade` does when it has answered. Without it `handleUpgrade` answers everything.
//  8. It marks its socket with a symbol that is called `websocket`, and takes none that is marked. Without that a clash is told
//     in the words of `ws` or not at all, as with two copies of `ws`, neither of which knows the other's symbol.

import { Duplex, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import { ownBytes } from '../protocol/message.ts'
import { TellingWebSocket, type WsListener } from './telling-web-socket.ts'
import { type FrameReader, readAhead } from './whole-frames.ts'

/** Who is told of what comes in. Its methods are called on it by listeners that all connections share. */
export interface ReceiverWatcher extends FrameReader {
  /** Before `ws` answers the peer's Close frame or breach: the last moment to write anything else. */
  answering(): void
  /** When the peer's Close frame has come and has been answered. */
  concluded(code: number, reason: Buffer): void
  /** `ws` takes nothing more: the peer has ended its side, with a Close frame before or without. */
  inputEnded(): void
  /** Before and after each read of the socket is taken apart. */
  readBegins(): void
  readEnds(): void
}

/** What this `ws` tells of, and what it does not. */
export interface Told {
  readonly concluded: boolean
  readonly reads: boolean
}

const { write: plainWrite, end: plainEnd } = Writable.prototype as {
  write: (this: Writable, chunk: Buffer) => boolean
  end: (this: Writable) => Writable
}
const WATCHER = Symbol('windsock watcher')

interface Receiver extends Writable {
  [WATCHER]?: ReceiverWatcher
  readonly _isServer?: unknown
  readonly _state?: unknown
  readonly _bufferedBytes?: unknown
  readonly _fragmented?: unknown
  readonly _opcode?: unknown
  readonly _errored?: unknown
  readonly _maxPayload?: unknown
  readonly _maxBufferedChunks?: unknown
  startLoop?: (this: Receiver, done: (error?: Error) => void) => void
}

/** Has `watcher` told of what `ws` receives; of reads only if it asks for them. */
export function watchReceiver(ws: WebSocket, watcher: ReceiverWatcher, reads: boolean): Told {
  const { _receiver: receiver } = ws as WebSocket & { _receiver?: Receiver | null }
  if (!(receiver instanceof Writable)) return { concluded: false, reads: false }
  receiver[WATCHER] = watcher
  const tellsClose = listenAround(receiver, 'conclude', aroundConclude)
  if (tellsClose) listenAround(receiver, 'error', aroundError)
  const isPlain = receiver.write === plainWrite
  if (reads && isPlain) receiver.write = write as typeof receiver.write
  if (receiver.end === plainEnd) receiver.end = end as typeof receiver.end
  return { concluded: tellsClose, reads: reads && isPlain }
}

type Listener = (this: Receiver, ...args: never[]) => void

/** The listeners of `ws`, each with what we do before it and after it; there are two, for all connections. */
const arounds = new WeakMap<Listener, Listener>()

/** Puts ours in the place of the one listener: of two and more an emitter keeps a list for each connection. */
function listenAround(
  receiver: Receiver,
  event: string,
  around: (theirs: Listener) => Listener,
): boolean {
  const [theirs, another] = receiver.listeners(event) as Listener[]
  if (theirs === undefined || another !== undefined) return false
  const ours = arounds.get(theirs) ?? around(theirs)
  arounds.set(theirs, ours)
  receiver.off(event, theirs as () => void)
  receiver.on(event, ours as () => void)
  return true
}

function aroundConclude(theirs: Listener): Listener {
  return function (this: Receiver, ...[code, reason]: [number, Buffer]) {
    this[WATCHER]?.answering()
    theirs.call(this, ...([code, reason] as never[]))
    this[WATCHER]?.concluded(code, reason)
  } as Listener
}

function aroundError(theirs: Listener): Listener {
  return function (this: Receiver, ...args: never[]) {
    this[WATCHER]?.answering()
    theirs.call(this, ...args)
  }
}

function end(this: Receiver): Receiver {
  // `ws` ends it at the peer's FIN and at the socket's close; each time but the first costs an error that nobody gets.
  if (!this.writableEnded) plainEnd.call(this)
  this[WATCHER]?.inputEnded()
  return this
}

function write(this: Receiver, chunk: Buffer): boolean {
  const watcher = this[WATCHER] as ReceiverWatcher
  watcher.readBegins()
  try {
    // A message that began before `ws` was called in, it knows nothing of.
    const isOurs = watcher.partial !== undefined || isBetweenMessages(this)
    if (!isOurs) return plainWrite.call(this, ownBytes(chunk))
    const most = this._maxPayload as number
    return giveAll(this, readAhead(watcher, chunk, most, maxBufferedChunks(this)))
  } finally {
    watcher.readEnds()
  }
}

function giveAll(receiver: Receiver, chunks: readonly Buffer[]): boolean {
  let mayGoOn = true
  for (const chunk of chunks) mayGoOn = plainWrite.call(receiver, chunk)
  return mayGoOn
}

/** Has `ws` read what was read of its socket before it had it; without extensions it does so at once. */
export function giveRead(ws: WebSocket, chunks: readonly Buffer[]): void {
  giveAll((ws as WebSocket & { _receiver: Receiver })._receiver, chunks)
}

/** Stops a receiver between two messages, as pausing stops its socket between two chunks. */
export interface InflatingBrake {
  hold(): void
  release(): void
}

/** The brake of a connection with permessage-deflate; another has at most a chunk of messages. */
export function inflatingBrake(ws: WebSocket): InflatingBrake | undefined {
  const { _receiver: receiver } = ws as WebSocket & { _receiver?: Receiver | null }
  const startLoop = receiver?.startLoop
  if (ws.extensions === '' || !receiver || typeof startLoop !== 'function') return undefined
  let isHeld = false
  let goOn: (() => void) | undefined
  receiver.startLoop = (done) => {
    // What had waited behind a breach, a `Writable` hands on all the same; `ws` 8.23 throws over it, where nobody catches.
    if (receiver._errored === true) done()
    else if (isHeld) goOn = () => startLoop.call(receiver, done)
    else startLoop.call(receiver, done)
  }
  return {
    hold: () => {
      isHeld = true
    },
    release: () => {
      isHeld = false
      const next = goOn
      goOn = undefined
      next?.()
    },
  }
}

/** The options of a `WebSocketServer`, as far as they are looked at here. */
export interface ServersOptions {
  readonly maxPayload: number
  readonly maxBufferedChunks: number
}

/** A server's `WebSocket` on a socket whose handshake has been answered. */
export function takeSocket(
  socket: Duplex,
  head: Buffer,
  options: ServersOptions,
): TellingWebSocket {
  const ServersSide = TellingWebSocket as unknown as new (
    address: null,
    protocols: undefined,
    options: ServersOptions,
  ) => TellingWebSocket & { setSocket(...given: [Duplex, Buffer, ServersOptions]): void }
  const ws = new ServersSide(null, undefined, options)
  ws.setSocket(socket, head, options)
  return ws
}

/**
 * Whether `takeSocket` does what it says with this `ws`: tried on a socket that leads nowhere.
 *
 * It must go no other way there than connections go: V8 compiles a function for all that ever went through it, and a
 * breach that was tried here, too, made each opening after it 2 µs dearer.
 */
export function mayTakeSockets(options: ServersOptions): boolean {
  const written: Buffer[] = []
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk)
      done()
    },
  })
  try {
    const ws = takeSocket(socket, Buffer.alloc(0), options)
    let heard = ''
    ws.listener = {
      ...NOT_TOLD,
      messageReceived: (data) => {
        heard = data.toString()
      },
    }
    ws.send('out')
    socket.emit('data', maskedText('i'))
    mark = marksOf(socket)[0]
    const { _receiver: receiver } = ws as WebSocket & { _receiver?: Receiver }
    const isBounded = receiver?._maxPayload === options.maxPayload
    const tellsReads = receiver?.write === plainWrite
    return isBounded && tellsReads && heard === 'i' && Buffer.concat(written).equals(UNMASKED_OUT)
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const UNMASKED_OUT = Buffer.from('\x81\x03out', 'latin1')

const nothing = () => {}
const NOT_TOLD: WsListener = {
  messageReceived: nothing,
  pingReceived: nothing,
  pongReceived: nothing,
  failed: nothing,
  closed: nothing,
  drained: nothing,
}

/** A client's frame (RFC 6455 §5.2), masked with zeros. */
function maskedText(text: string): Buffer {
  return Buffer.concat([Buffer.of(0x81, 0x80 | text.length, 0, 0, 0, 0), Buffer.from(text)])
}

function maxBufferedChunks({ _maxBufferedChunks: most }: Receiver): number {
  return typeof most === 'number' && most > 0 ? most : MOST_CHUNKS
}

/** Where `ws` sets no bound. */
const MOST_CHUNKS = 1_024
const GET_INFO = 0
const CLOSE_OPCODE = 8

/** Whether a server's receiver waits for the first byte of a message, and may yet get one. */
function isBetweenMessages(receiver: Receiver): boolean {
  return (
    receiver._state === GET_INFO &&
    receiver._bufferedBytes === 0 &&
    receiver._fragmented === 0 &&
    receiver._errored === false &&
    receiver._isServer === true &&
    typeof receiver._maxPayload === 'number' &&
    receiver._maxPayload > 0 &&
    // After a Close frame it reads no more.
    typeof receiver._opcode === 'number' &&
    receiver._opcode !== CLOSE_OPCODE
  )
}

/** Of our copy of `ws`; known once it was tried. */
let mark: symbol | undefined

/** Has our copy of `ws` leave this socket alone, as if it had it already. */
export function markTaken(socket: Duplex): void {
  if (mark !== undefined) (socket as unknown as Record<symbol, unknown>)[mark] = true
}

/** Whether a `ws`, ours or another copy of it, has this socket already. */
export function belongsToWs(socket: Duplex): boolean {
  return marksOf(socket).some((symbol) => socket[symbol as keyof Duplex] !== undefined)
}

function marksOf(socket: Duplex): symbol[] {
  const symbols = Object.getOwnPropertySymbols(socket)
  return symbols.filter((symbol) => String(symbol) === 'Symbol(websocket)')
}

/** Whether frames may be written to `socket` beside those that `ws` writes itself. */
export function mayWriteFrames(ws: WebSocket, socket: Duplex): boolean {
  return ws.extensions === '' && writesTo(ws, socket)
}

/** What `ws` deflates the messages of one connection with. */
export interface OwnDeflater {
  /** Whether a message may refer to those before it (RFC 7692 §7.1.1.1). */
  readonly takesContextOver: boolean
  /** The largest window that the client has, 8 … 15. */
  readonly windowBits: number
  /**
   * Forgets all messages so far; only while none is being deflated.
   *
   * @returns whether it did: if not, it must not deflate again.
   */
  beginAnew(): boolean
}

/** The deflater of a connection with permessage-deflate, if frames may be written to `socket` beside its own. */
export function ownDeflater(ws: WebSocket, socket: Duplex): OwnDeflater | undefined {
  if (ws.extensions !== DEFLATE || !writesTo(ws, socket)) return undefined
  const { _extensions: extensions } = ws as WebSocket & {
    _extensions?: Readonly<Record<string, DeflateExtension | undefined>>
  }
  const extension = extensions?.[DEFLATE]
  const params = extension?.params
  if (extension?._deflate !== null || typeof params !== 'object' || params === null) {
    return undefined
  }
  const { server_max_window_bits: windowBits = 15 } = params
  if (typeof windowBits !== 'number') return undefined
  return {
    takesContextOver: params.server_no_context_takeover !== true,
    windowBits,
    beginAnew: () => {
      const deflate = extension._deflate
      if (deflate === null) return true
      if (typeof deflate?.reset !== 'function') return false
      deflate.reset()
      return true
    },
  }
}

const DEFLATE = 'permessage-deflate'

interface DeflateExtension {
  readonly params?: {
    readonly server_no_context_takeover?: unknown
    readonly server_max_window_bits?: unknown
  } | null
  readonly _deflate?: { reset?(): void } | null
}

function writesTo(ws: WebSocket, socket: Duplex): boolean {
  const { _socket: used, _isServer: isServer } = ws as WebSocket & {
    _socket?: unknown
    _isServer?: unknown
  }
  return used === socket && isServer === true
}
