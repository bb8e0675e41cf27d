// WebSocket transport: one upgraded socket, behind the port.
//
// What a read of a server's socket brings whole, Close frames too, is read here (whole-frames.ts). All else is for `ws`:
// fragments, compressed frames, breaches, and what a client reads. A server's socket without compression has no `ws` until
// something comes or goes that is for it (docs/adr/0027, 0028). A server's messages and its Pings and Pongs are written as
// prepared frames, one write per turn, also beside those that are compressed (deflating-writer.ts); a client's, which are
// masked, go through `ws`, as do Close frames, on the same socket, in order. What `ws` reports as 1006 is told apart here:
// the frame that came, the frame that went, and why.

import type { CloseFrame } from '../protocol/close-record.ts'
import { type Message, ownBytes } from '../protocol/message.ts'
import type { Clock } from '../protocol/ports.ts'
import { Cork } from './cork.ts'
import { type DeflatingWriter, deflatingWriter, type Prepared } from './deflating-writer.ts'
import { controlFrame, type Frame, unframed } from './frame.ts'
import { writeByWs, writeFrames } from './frame-writer.ts'
import {
  forgetLargeFrame,
  forgetReceivedText,
  frameOf,
  isLarge,
  noteReceivedText,
} from './framing.ts'
import {
  handleOf,
  isIdle,
  readIntoOneBuffer,
  type WritingHandle,
  writeAtOnce,
  writeQueueSize,
} from './node-internals.ts'
import {
  type DrainListener,
  type LinkSocket,
  leaveSocket,
  listenForDrain,
  listenToSocket,
  type SocketListener,
} from './socket-listener.ts'
import { TellingWebSocket, type WsListener } from './telling-web-socket.ts'
import type { Transport, TransportEvents } from './transport.ts'
import { type PartialFrame, readAhead } from './whole-frames.ts'
import { breachOf } from './ws-breaches.ts'
import {
  giveRead,
  type InflatingBrake,
  inflatingBrake,
  mayWriteFrames,
  type ReceiverWatcher,
  type ServersOptions,
  takeSocket,
  watchReceiver,
} from './ws-internals.ts'
import type { DeflateChoice } from './ws-options.ts'

/** Bytes that may wait in the socket before the queue above keeps the rest: a few of the kernel's chunks. */
const WRITE_AHEAD_BYTES = 64 * 1024

/** Writes that may wait there: each costs a hundred bytes and more beside its own, which a small message has few of. */
const WRITES_AHEAD = 256
const NOTHING = Buffer.alloc(0)

export class WebSocketTransport
  implements Transport<Prepared>, ReceiverWatcher, WsListener, SocketListener, DrainListener
{
  // What a broadcast touches stands first (docs/adr/0025).
  readonly #raw: boolean
  readonly #socket: LinkSocket
  readonly #handle: WritingHandle | undefined
  readonly #deflating: DeflatingWriter | undefined
  #closing = false
  #reported: 'nothing' | 'close' | 'end' = 'nothing'
  isReading = false
  /** Writes to the socket since its queue was last seen empty: as long as there are none it need not be asked. */
  #writesAhead: number

  partial: PartialFrame | undefined
  /** Of a socket that may be without one: not yet, until `#options` have made it. */
  #ws: TellingWebSocket | undefined
  readonly #options: ServersOptions | undefined
  /** A client's messages of as many bytes are compressed. */
  readonly #fromBytes: number
  readonly #clock: Clock
  readonly #inflating: InflatingBrake | undefined
  /** Where `ws` has a queue of its own, its socket's `drain` says nothing of that. */
  readonly #progressed: (() => void) | undefined
  #events: TransportEvents | undefined
  #tellsClose = false
  #tellsReads = false
  /** Whether a paused socket has nothing that was read already. */
  #readsIntoOneBuffer = false
  #cork: Cork | undefined
  #hearsOfDrain = false
  readonly #writeAheadBytes: number

  /** @param ws - or, of a server's socket without extensions, the options to make one with. */
  constructor(
    socket: LinkSocket,
    ws: TellingWebSocket | ServersOptions,
    clock: Clock,
    deflate: DeflateChoice,
  ) {
    this.#fromBytes = deflate.thresholdBytes
    this.#socket = socket
    this.#handle = handleOf(socket)
    // The answer to the handshake may wait there.
    this.#writesAhead = isIdle(socket) ? 0 : 1
    this.#clock = clock
    // A socket says that it has drained only where its own mark had been reached.
    this.#writeAheadBytes = Math.max(WRITE_AHEAD_BYTES, socket.writableHighWaterMark)
    if (!(ws instanceof TellingWebSocket)) {
      this.#options = ws
      this.#raw = true
      return
    }
    this.#ws = ws
    this.#raw = mayWriteFrames(ws, socket)
    const progressed = () => {
      if (this.bufferedBytes === 0) this.#drained()
    }
    this.#progressed = this.#raw ? undefined : progressed
    this.#inflating = inflatingBrake(ws)
    this.#deflating = deflatingWriter({ ws, socket, handle: this.#handle, deflate, progressed })
    ws.listener = this
  }

  touch(): number {
    return this.#writesAhead + (this.#handle ? 1 : 0) + (this.#deflating?.bufferedBytes ?? 0)
  }

  get bufferedBytes(): number {
    if (this.#raw) return this.#writesAhead === 0 ? 0 : this.#socket.writableLength
    return this.#deflating?.bufferedBytes ?? this.#ws?.bufferedAmount ?? 0
  }

  get untakenBytes(): number {
    return writeQueueSize(this.#socket) ?? this.bufferedBytes
  }

  start(events: TransportEvents): void {
    this.#events = events
    if (this.#ws !== undefined) {
      this.#watch(this.#ws)
      return
    }
    this.#tellsReads = true
    this.#readsIntoOneBuffer = listenToSocket(this.#socket, this)
  }

  pack(message: Message, leavesSoon?: boolean): Prepared {
    if (!this.#raw) return this.#deflating?.pack(message) ?? unframed(message)
    const frame = frameOf(message, leavesSoon)
    if (isLarge(frame)) this.#clock.endOfTurn(forgetLargeFrame)
    return frame
  }

  write(prepared: readonly Prepared[]): boolean {
    if (this.#closing || this.#reported !== 'nothing') return true
    if (this.#raw) writeFrames(this.#socket, this.#handle, prepared as readonly Frame[])
    else if (this.#deflating !== undefined) this.#deflating.write(prepared)
    else writeByWs(this.#ws, this.#socket, prepared, this.#fromBytes, this.#progressed)
    return this.#mayWriteMore()
  }

  writeOne(prepared: Prepared): boolean {
    if (this.#closing || this.#reported !== 'nothing') return true
    if (this.#deflating !== undefined) this.#deflating.writeOne(prepared)
    else if (!this.#raw) return this.write([prepared])
    else if (this.#writeRaw(prepared as Frame)) return true
    return this.#mayWriteMore()
  }

  ping(data: Uint8Array): boolean {
    return this.#sendControl('ping', data)
  }

  pong(data: Uint8Array): boolean {
    return this.#sendControl('pong', data)
  }

  close({ code, reason }: CloseFrame): void {
    if (this.#closing) return
    this.#closing = true
    this.#deflating?.release()
    // A socket that takes nothing any more ends by itself.
    const ws = this.#ws ?? (this.#isOpen ? this.#callInWs() : undefined)
    if (code === 1005) ws?.close()
    else ws?.close(code, reason)
  }

  destroy(): void {
    if (this.#ws === undefined) this.#socket.destroy()
    else this.#ws.terminate()
  }

  pause(): void {
    // Only the end is to come, and a paused socket could not tell of it.
    if (this.#reported !== 'nothing') return
    // What a socket holds when it ends paused `ws` reads.
    const ws = this.#ws ?? (this.#readsIntoOneBuffer ? undefined : this.#callInWs())
    if (ws === undefined) this.#socket.pause()
    else ws.pause()
    this.#inflating?.hold()
  }

  resume(): void {
    if (this.#ws === undefined) this.#socket.resume()
    else this.#ws.resume()
    // Last: a message that it brings may be one too many again.
    this.#inflating?.release()
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay?.(on)
  }

  // ── what the listeners tell ────────────────────────────────────────────────────────────────────

  socketRead(chunk: Buffer): void {
    const { maxPayload, maxBufferedChunks } = this.#options as ServersOptions
    if (this.#reported !== 'nothing') return
    this.readBegins()
    try {
      const rest = readAhead(this, chunk, maxPayload, maxBufferedChunks)
      if (rest.length > 0) giveRead(this.#ws ?? this.#callInWs(), rest)
    } finally {
      this.readEnds()
    }
  }

  readBegins(): void {
    this.isReading = true
  }

  readEnds(): void {
    this.isReading = false
    forgetReceivedText()
    this.#events?.readDone()
    this.#cork?.release()
  }

  take(message: Message, byteLength: number): void {
    this.#events?.messageReceived(message, byteLength)
  }

  messageReceived(data: Buffer, isBinary: boolean): void {
    const message = isBinary ? ownBytes(data) : data.toString('utf8')
    if (this.#raw && this.#tellsReads && typeof message === 'string') {
      noteReceivedText(message, data)
    }
    this.#events?.messageReceived(message, data.byteLength)
    if (!this.#tellsReads) this.#events?.readDone()
  }

  pingReceived(data: Buffer): void {
    this.#events?.pingReceived(data)
  }

  pongReceived(data: Buffer): void {
    this.#events?.pongReceived(data)
  }

  get answersClose(): boolean {
    return this.#ws === undefined
  }

  closeFrameReceived(body: Buffer): void {
    this.answering()
    this.#socket.end(controlFrame('close', body))
    // Reading may have been paused by what came before it in the same read; only the end is to come.
    this.#socket.resume()
    this.concluded(body.length === 0 ? 1005 : body.readUInt16BE(0), body.subarray(2))
  }

  answering(): void {
    this.#events?.answering()
    this.#deflating?.release()
  }

  concluded(code: number, reason: Buffer): void {
    if (this.#reported !== 'nothing') return
    this.#reported = 'close'
    this.#events?.closeReceived({ code, reason: reason.toString('utf8') })
  }

  failed(error: Error & { code?: string }): void {
    const breach = breachOf(error.code)
    // Anything else is the socket's own end, which is reported as `ended`.
    if (breach === undefined || this.#reported !== 'nothing') return
    this.#reported = 'close'
    const sent = { code: breach.code, reason: '' }
    this.#events?.violated({ cause: breach.cause, sent, detail: error.message })
  }

  closed(code: number, reason: Buffer): void {
    // 1006 is what `ws` says when no frame came (§7.1.5).
    if (!this.#tellsClose && code !== 1006) this.concluded(code, reason)
    if (this.#reported === 'end') return
    this.#reported = 'end'
    this.#deflating?.abandon()
    this.#events?.ended()
  }

  inputEnded(): void {
    const isLost = this.#reported === 'nothing' && !this.#closing
    // `ws` would wait until what is written has gone, and a peer that takes nothing could keep it waiting for ever.
    if (isLost && this.bufferedBytes > 0) this.destroy()
  }

  socketClosed(): void {
    this.closed(1006, NOTHING)
  }

  drained(): void {
    if (this.#raw) this.#drained()
    else this.#progressed?.()
  }

  /** From here on the socket is the matter of `ws`. */
  #callInWs(): TellingWebSocket {
    leaveSocket(this.#socket, this)
    const ws = takeSocket(this.#socket, NOTHING, this.#options as ServersOptions)
    ws.listener = this
    this.#ws = ws
    this.#watch(ws)
    return ws
  }

  #watch(ws: TellingWebSocket): void {
    // Inflating takes its own time, so messages of a compressed connection come outside of any read.
    const { concluded, reads } = watchReceiver(ws, this, ws.extensions === '')
    this.#tellsClose = concluded
    this.#tellsReads = reads
    if (reads) readIntoOneBuffer(this.#socket)
  }

  #sendControl(kind: 'ping' | 'pong', data: Uint8Array): boolean {
    if (this.#isOpen) {
      this.#cork ??= new Cork(this.#socket, this.#clock)
      this.#cork.hold(!this.isReading)
      if (this.#raw) this.#socket.write(controlFrame(kind, data))
      else this.#ws?.[kind](data, undefined, this.#progressed)
    }
    return this.#mayWriteMore()
  }

  get #isOpen(): boolean {
    if (this.#ws === undefined) return this.#socket.writable
    return this.#ws.readyState === this.#ws.OPEN
  }

  /** Whether the socket may be given another write before what it has is with the kernel. */
  #mayWriteMore(): boolean {
    this.#writesAhead++
    const { bufferedBytes } = this
    if (bufferedBytes === 0) {
      this.#writesAhead = 0
      return true
    }
    if (this.#writesAhead < WRITES_AHEAD && bufferedBytes < this.#writeAheadBytes) return true
    this.#listenForDrain()
    if (this.#writesAhead < WRITES_AHEAD) return false
    // A socket tells of itself that it has drained only where its own mark, in bytes, had been reached.
    if (this.#writesAhead === WRITES_AHEAD && this.#socket.writable) {
      this.#socket.write(NOTHING, (error) => {
        // It may have told of itself by now.
        if (!error && this.#writesAhead >= WRITES_AHEAD) this.#drained()
      })
    }
    return false
  }

  // Most connections never have to wait for it.
  #listenForDrain(): void {
    if (this.#hearsOfDrain || (!this.#raw && this.#deflating === undefined)) return
    this.#hearsOfDrain = true
    listenForDrain(this.#socket, this)
  }

  #drained(): void {
    // Who heard of it before may have written something since.
    this.#writesAhead = this.bufferedBytes === 0 ? 0 : 1
    this.#events?.drained()
  }

  /** Whether the kernel has it. */
  #writeRaw(frame: Frame): boolean {
    if (frame.body !== undefined || frame.isInSlab) {
      writeFrames(this.#socket, this.#handle, [frame])
      return false
    }
    const isNext = this.#writesAhead === 0 || isIdle(this.#socket)
    if (!writeAtOnce(this.#socket, this.#handle, frame.head, isNext)) return false
    this.#writesAhead = 0
    return true
  }
}
